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
        .table("Events by type", rows: "type", totalAndRate("apm_server_events_accepted_total")),
        .table("Events by service", rows: "service", totalAndRate("apm_server_service_events_total")),
        .table(
            "Rejected events, with the last line of each reason",
            rows: "reason",
            totalAndRate("apm_server_events_rejected_total"),
            samples: "rejects"
        ),
        .table("Intake requests by answer", rows: "status", totalAndRate("apm_server_intake_requests_total")),
        .table(
            "Requests refused at the door",
            rows: "reason",
            totalAndRate("apm_server_requests_refused_total")
        ),
        .grid("Groups of roll-ups in memory", "apm_server_rollup_groups", rows: "kind", columns: "interval"),
        .table("Documents", rows: "outcome", totalAndRate("apm_server_elasticsearch_documents_total")),
        .tiles(
            "Spool",
            [
                Figure("Documents in the spool", "apm_server_spool_documents"),
                Figure("Oldest in the spool", "apm_server_spool_oldest_seconds", unit: .seconds),
                Figure("Dead letters", "apm_server_dead_letter_bytes", unit: .bytes),
                Figure("Roll-up documents", "apm_server_rollup_documents_total"),
            ]
        ),
    ])

    private static func totalAndRate(_ metric: String) -> [Figure] {
        [Figure("total", metric), Figure("now", metric, .rate)]
    }
}
