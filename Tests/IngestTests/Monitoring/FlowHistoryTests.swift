import Common
import Testing

@testable import Ingest

@Suite("Flow rates")
struct FlowHistoryTests {
    private static let second: Int64 = 1_000_000_000
    private let metrics = Metrics()

    private func receive(_ count: Int, pipeline: String) {
        metrics.counter("ingest_pipeline_events_total", "", [("pipeline", pipeline)]).add(count)
    }

    private func rates(_ history: FlowHistory, _ pipeline: String?, at seconds: Int64) -> FlowHistory.Rates {
        let totals = FlowTotals(metrics.snapshot, pipeline: pipeline)
        return history.rates(pipeline, totals, now: seconds * Self.second)
    }

    @Test("the present rate is that of the last interval, the lifetime's that since the start")
    func current() {
        let history = FlowHistory(metrics, now: 0)
        receive(1000, pipeline: "a")
        receive(50, pipeline: "b")
        #expect(rates(history, "a", at: 2).current.input == 500, "since the start")
        history.record(now: 5 * Self.second)
        receive(200, pipeline: "a")
        #expect(rates(history, "a", at: 10).current.input == 40)
        #expect(rates(history, "a", at: 10).lifetime.input == 120)
        #expect(rates(history, "b", at: 10).current.input == 0)
        #expect(rates(history, nil, at: 10).lifetime.input == 125)
        #expect(rates(history, "a", at: 10).lastMinute == nil)
    }

    @Test("the last minute needs a minute, and forgets what was before")
    func minute() {
        let history = FlowHistory(metrics, now: 0)
        receive(6000, pipeline: "a")
        for second in 1...200 {
            if second > 100 { receive(10, pipeline: "a") }
            history.record(now: Int64(second) * Self.second)
        }
        #expect(rates(history, "a", at: 200).lastMinute?.input == 10)
        #expect(rates(history, "unknown", at: 200).lastMinute?.input == 0)
    }
}
