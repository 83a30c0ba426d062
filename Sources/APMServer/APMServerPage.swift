import Common

extension MonitoringPage {
    /// What the live page of apm-server shows.
    static let apmServer = MonitoringPage([
        .tiles(
            "At a glance",
            [
                Figure("Events", "apm_server_events_accepted_total", .rate),
                Figure("Rejected events", "apm_server_events_rejected_total", .rate),
                Figure("Requests", "apm_server_intake_requests_total", .rate),
                Figure("Connections", "apm_server_connections"),
                Figure(
                    "Stored documents",
                    "apm_server_elasticsearch_documents_total",
                    labels: [("outcome", "stored")],
                    .rate
                ),
                Figure("Spool", "apm_server_spool_bytes", unit: .bytes),
                Figure("Processor", "process_cpu_seconds", .rate, unit: .share),
                Figure("Memory", "process_resident_memory_bytes", unit: .bytes),
            ]
        ),
        .table("Events by type", rows: "type", Figure.totalAndRate("apm_server_events_accepted_total")),
        .table("Events by service", rows: "service", Figure.totalAndRate("apm_server_service_events_total")),
        .table(
            "Rejected events, with the last line of each reason",
            rows: "reason",
            Figure.totalAndRate("apm_server_events_rejected_total"),
            samples: "rejects"
        ),
        .table(
            "Intake requests by answer",
            rows: "status",
            Figure.totalAndRate("apm_server_intake_requests_total")
        ),
        .table(
            "Requests refused at the door",
            rows: "reason",
            Figure.totalAndRate("apm_server_requests_refused_total")
        ),
        .table("Documents", rows: "outcome", Figure.totalAndRate("apm_server_elasticsearch_documents_total")),
        .table(
            "Bulk requests by answer",
            rows: "status",
            Figure.totalAndRate("apm_server_elasticsearch_requests_total")
        ),
        .grid("Groups of roll-ups in memory", "apm_server_rollup_groups", rows: "kind", columns: "interval"),
        .facts(
            "On the disk",
            [
                Figure("Documents in the spool", "apm_server_spool_documents"),
                Figure("The oldest of them", "apm_server_spool_oldest_seconds", unit: .seconds),
                Figure(
                    "Refused because it was full",
                    "apm_server_spool_documents_total",
                    labels: [("outcome", "refused")]
                ),
                Figure("Damaged records in it", "apm_server_spool_damaged_records_total"),
                Figure("Dead letters", "apm_server_dead_letter_bytes", unit: .bytes),
                Figure("Checkpoints of roll-ups", "apm_server_rollup_checkpoints_total"),
                Figure("Roll-up documents delivered", "apm_server_rollup_documents_total"),
            ]
        ),
        .table(
            "Tail-based sampling",
            rows: "outcome",
            Figure.totalAndRate("apm_server_tail_sampling_events_total")
        ),
    ])
}
