import Common

/// What has flown through a pipeline since the start.
struct FlowTotals: Equatable, Sendable {
    /// Events received.
    var input = 0.0
    /// Documents that are stored, or dead letters.
    var output = 0.0
    /// Worker time spent on its events.
    var busySeconds = 0.0
    /// Time that its connections were not read, summed over them.
    var unreadSeconds = 0.0

    /// - Parameter pipeline: nil for all.
    init(_ snapshot: MetricsSnapshot, pipeline: String?) {
        let labels = pipeline.map { ["pipeline": $0] } ?? [:]
        input = snapshot.sum("ingest_pipeline_events_total", labels)
        output = snapshot.sum("ingest_pipeline_documents_total", labels)
        busySeconds = snapshot.sum("ingest_pipeline_busy_seconds_total", labels)
        unreadSeconds = snapshot.sum("ingest_pipeline_unread_seconds_total", labels)
    }

    init() {}

    /// The growth since `earlier` for each of `seconds`.
    func rate(since earlier: FlowTotals, seconds: Double) -> FlowTotals {
        var rate = FlowTotals()
        guard seconds > 0 else { return rate }
        rate.input = max(0, input - earlier.input) / seconds
        rate.output = max(0, output - earlier.output) / seconds
        rate.busySeconds = max(0, busySeconds - earlier.busySeconds) / seconds
        rate.unreadSeconds = max(0, unreadSeconds - earlier.unreadSeconds) / seconds
        return rate
    }
}
