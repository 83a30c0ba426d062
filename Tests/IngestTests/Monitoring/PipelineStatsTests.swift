import Common
import Testing

@testable import Ingest

/// The shape is that of Logstash's `GET /_node/stats/pipelines`.
@Suite("Statistics of a pipeline")
struct PipelineStatsTests {
    private func text(_ tree: JSONTree) -> String {
        var json = ByteBuffer()
        tree.append(to: &json)
        return json.text
    }

    private func stats(_ metrics: Metrics) -> PipelineStats {
        PipelineStats(name: "shop", snapshot: metrics.snapshot, inputs: [])
    }

    @Test("counts events and time of its own only")
    func events() {
        let metrics = Metrics()
        for (pipeline, count) in [("shop", 7), ("other", 100)] {
            metrics.counter("ingest_pipeline_events_total", "", [("pipeline", pipeline)]).add(count)
            let outlet = Outlet(pipeline: pipeline, metrics: metrics)
            outlet.count(BulkCounts(stored: count - 3, duplicates: 2, deadLetters: 1))
            outlet.busy.add(nanoseconds: 1_499_600_000)
        }
        #expect(
            text(stats(metrics).events)
                == #"{"in":7,"filtered":7,"out":7,"duration_in_millis":1500,"queue_push_duration_in_millis":0}"#
        )
    }

    @Test("shows filters by what the metrics know, and bulk requests by their answers")
    func plugins() {
        let metrics = Metrics()
        let labels = [("pipeline", "shop"), ("filter", "grok"), ("id", "first")]
        metrics.counter("ingest_filter_events_total", "", labels).add(10)
        metrics.counter("ingest_filter_failures_total", "", labels).add(3)
        metrics.time("ingest_filter_seconds_total", "", labels).add(nanoseconds: 25_000_000)
        metrics.counter(
            "ingest_filter_events_total",
            "",
            [("pipeline", "x"), ("filter", "date"), ("id", "y")]
        )
        .add()
        let outlet = Outlet(pipeline: "shop", metrics: metrics)
        outlet.lane.answered(status: 200)
        outlet.lane.itemsEnded(hadErrors: true)
        outlet.lane.answered(status: 200)
        outlet.lane.itemsEnded(hadErrors: false)
        outlet.lane.answered(status: 503)
        outlet.lane.failures.add()
        outlet.count(BulkCounts(stored: 5, duplicates: 1, deadLetters: 2))
        #expect(
            text(stats(metrics).plugins)
                == #"{"inputs":[],"codecs":[],"filters":[{"id":"first","name":"grok","#
                + #""events":{"in":10,"out":10,"duration_in_millis":25},"failures":3}],"#
                + #""outputs":[{"id":"elasticsearch","name":"elasticsearch","events":{"in":0,"out":8},"#
                + #""documents":{"successes":6,"retryable_failures":0,"non_retryable_failures":2,"dlq_routed":2},"#
                + #""bulk_requests":{"successes":1,"with_errors":1,"failures":2,"#
                + #""responses":{"200":2,"503":1}}}]}"#
        )
    }
}

@Suite("Status of reloads")
struct ReloadStatusTests {
    @Test("says how the last ones ended")
    func json() throws {
        let status = ReloadStatus(Metrics())
        let none = #"{"successes":0,"failures":0,"last_error":null,"#
        #expect(
            String(decoding: status.json, as: UTF8.self)
                == none + #""last_success_timestamp":null,"last_failure_timestamp":null}"#
        )
        status.failed("line 3: \"x\"", now: CalendarTime(nanoseconds: 0))
        status.succeeded(now: CalendarTime(nanoseconds: 1_000_000_000))
        let expected =
            #"{"successes":1,"failures":1,"last_error":{"message":"line 3: \"x\""},"#
            + #""last_success_timestamp":"1970-01-01T00:00:01.000Z","#
            + #""last_failure_timestamp":"1970-01-01T00:00:00.000Z"}"#
        #expect(String(decoding: status.json, as: UTF8.self) == expected)
    }
}
