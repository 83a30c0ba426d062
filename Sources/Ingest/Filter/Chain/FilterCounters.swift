import Common

/// What one filter of a pipeline counts, over all workers.
final class FilterCounters: Sendable {
    let events: Counter
    let failures: Counter
    let drops: Counter
    private let time: TimeCounter

    /// - Parameters:
    ///   - filter: its kind, such as `grok`.
    ///   - id: unique in the pipeline.
    init(_ metrics: Metrics, pipeline: String, filter: String, id: String) {
        let labels = [("pipeline", pipeline), ("filter", filter), ("id", id)]
        events = metrics.counter("ingest_filter_events_total", "events that a filter was applied to", labels)
        failures = metrics.counter(
            "ingest_filter_failures_total",
            "events that a filter could not change",
            labels
        )
        drops = metrics.counter(
            "ingest_filter_dropped_total",
            "events that a filter kept from being stored",
            labels
        )
        time = metrics.time(
            "ingest_filter_seconds_total",
            "time spent in a filter, estimated from one event in \(FilterChain.timedEvery)",
            labels
        )
    }

    /// Adds the time of one event that was timed, for all that were not.
    func add(timed nanoseconds: Int64) {
        time.add(nanoseconds: nanoseconds * Int64(FilterChain.timedEvery))
    }
}
