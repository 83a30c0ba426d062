import Common

/// The way of one pipeline's documents to the store, and what is counted on it; shared by all workers.
final class Outlet: Sendable {
    let lane: BulkLane
    let stored: Counter
    let duplicates: Counter
    let deadLetters: Counter
    /// Time that workers spent on its events: inflating, parsing, writing documents.
    let busy: TimeCounter
    /// Its connections that are not read, because what they would bring has no room.
    let paused = PausedConnections()
    /// Bytes of documents that are not stored yet.
    let pendingBytes: Gauge

    /// - Parameter pipeline: its name in the configuration.
    init(pipeline: String, metrics: Metrics) {
        let labels = [("pipeline", pipeline)]
        lane = BulkLane(pipeline, label: "pipeline", service: "ingest", metrics: metrics)
        func documents(_ outcome: String) -> Counter {
            metrics.counter(
                "ingest_pipeline_documents_total",
                "Documents of a pipeline by what became of them.",
                labels + [("outcome", outcome)]
            )
        }
        stored = documents("stored")
        duplicates = documents("duplicate")
        deadLetters = documents("dead_letter")
        busy = metrics.time(
            "ingest_pipeline_busy_seconds_total",
            "Time that workers spent on the events of a pipeline.",
            labels
        )
        let paused = paused
        metrics.time(
            "ingest_pipeline_unread_seconds_total",
            "Time that connections were not read because there was no room, summed over connections.",
            labels
        ) { Double(paused.nanoseconds(now: Clock.monotonic)) / 1e9 }
        metrics.gauge(
            "ingest_pipeline_connections_paused",
            "Connections that are not read now because there is no room.",
            labels
        ) { Double(paused.count) }
        pendingBytes = metrics.gauge(
            "ingest_pipeline_pending_bytes",
            "Bytes of documents that are not stored yet.",
            labels
        )
    }

    /// Counts documents that have become safe.
    func count(_ counts: BulkCounts) {
        stored.add(counts.stored)
        duplicates.add(counts.duplicates)
        deadLetters.add(counts.deadLetters)
    }
}
