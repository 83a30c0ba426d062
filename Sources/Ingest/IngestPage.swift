import Common

extension MonitoringPage {
    /// What the live page of ingest shows.
    static let ingest = MonitoringPage([
        .tiles(
            "At a glance",
            [
                Figure("Lines", "ingest_events_received_total", .rate),
                Figure(
                    "Stored documents",
                    "ingest_elasticsearch_documents_total",
                    labels: [("outcome", "stored")],
                    .rate
                ),
                Figure("Acknowledged windows", "ingest_windows_acknowledged_total", .rate),
                Figure("Connections", "ingest_connections_open"),
                Figure("On the way to the store", "ingest_elasticsearch_pending_bytes", unit: .bytes),
                Figure("Dead letters", "ingest_dead_letter_bytes", unit: .bytes),
                Figure("Processor", "process_cpu_seconds", .rate, unit: .share),
                Figure("Memory", "process_resident_memory_bytes", unit: .bytes),
            ]
        ),
        .table("Lines by input", rows: "input", Figure.totalAndRate("ingest_events_received_total")),
        .table("Documents", rows: "outcome", Figure.totalAndRate("ingest_elasticsearch_documents_total")),
        .table(
            "Stored with a tag, by what was not understood",
            rows: "reason",
            Figure.totalAndRate("ingest_pipeline_failures_total")
        ),
        .table(
            "Bulk requests by answer",
            rows: "status",
            Figure.totalAndRate("ingest_elasticsearch_requests_total")
        ),
        .facts(
            "Senders",
            [
                Figure("Connections accepted", "ingest_connections_accepted_total"),
                Figure("Connections refused at the limit", "ingest_connections_refused_total"),
                Figure("Connections lost", "ingest_connections_lost_total"),
                Figure("Keep-alives while they waited", "ingest_keepalives_sent_total"),
                Figure("Times they were not read for want of memory", "ingest_memory_waits_total"),
            ]
        ),
        .table(
            "Connections ended by ingest",
            rows: "reason",
            Figure.totalAndRate("ingest_connections_ended_total")
        ),
    ])
}
