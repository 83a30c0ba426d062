import Common
import Synchronization

/// The totals of the last minute, from which rates are made.
///
/// Bounded: a sample every five seconds for a little more than a minute, each with the pipelines that the metrics have.
final class FlowHistory: Sendable {
    /// Rates over these times, under the names that Logstash gives them.
    struct Rates: Sendable {
        /// Since the last sample that is at least one interval old; since the start before there is one.
        var current: FlowTotals
        /// nil in the first minute.
        var lastMinute: FlowTotals?
        /// Since the start.
        var lifetime: FlowTotals
    }

    private struct Sample: Sendable {
        let time: Int64
        let all: FlowTotals
        let pipelines: [String: FlowTotals]

        func totals(_ pipeline: String?) -> FlowTotals {
            guard let pipeline else { return all }
            return pipelines[pipeline] ?? FlowTotals()
        }
    }

    static let interval = Duration.seconds(5)
    private static let minute = Duration.seconds(60)
    /// A minute, and the one that begins it.
    private static let maxSamples = 14

    private let metrics: Metrics
    private let started: Int64
    private let samples = Mutex<[Sample]>([])

    /// - Parameter now: monotonic nanoseconds, as everywhere here.
    init(_ metrics: Metrics, now: Int64 = Clock.monotonic) {
        self.metrics = metrics
        started = now
    }

    /// Writes the totals down, if an interval has passed since the last time.
    func record(now: Int64) {
        let isDue = samples.withLock { now - ($0.last?.time ?? started) >= Self.interval.nanoseconds }
        guard isDue else { return }
        let snapshot = metrics.snapshot
        let names = Set(snapshot.samples("ingest_pipeline_events_total").compactMap { $0.labels["pipeline"] })
        var pipelines: [String: FlowTotals] = [:]
        for name in names { pipelines[name] = FlowTotals(snapshot, pipeline: name) }
        let sample = Sample(time: now, all: FlowTotals(snapshot, pipeline: nil), pipelines: pipelines)
        samples.withLock { samples in
            samples.append(sample)
            if samples.count > Self.maxSamples { samples.removeFirst() }
        }
    }

    /// The rates of a pipeline, or of all for nil, whose totals are `totals` now.
    func rates(_ pipeline: String?, _ totals: FlowTotals, now: Int64) -> Rates {
        let samples = samples.withLock { $0 }
        func since(_ age: Duration) -> FlowTotals? {
            guard let old = samples.last(where: { now - $0.time >= age.nanoseconds }) else { return nil }
            return totals.rate(since: old.totals(pipeline), seconds: Self.seconds(now - old.time))
        }
        let lifetime = totals.rate(since: FlowTotals(), seconds: Self.seconds(now - started))
        return Rates(
            current: since(Self.interval) ?? lifetime,
            lastMinute: since(Self.minute),
            lifetime: lifetime
        )
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }
}
