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
                Figure(
                    "Bulk latency",
                    "ingest_elasticsearch_request_milliseconds_sum",
                    unit: .milliseconds,
                    per: "ingest_elasticsearch_requests_total"
                ),
                Figure("Connections", "ingest_connections_open"),
                Figure("Connections held back", "ingest_pipeline_connections_paused"),
                Figure("On the way to the store", "ingest_elasticsearch_pending_bytes", unit: .bytes),
                Figure("Processor", "process_cpu_seconds", .rate, unit: .share),
                Figure("Memory", "process_resident_memory_bytes", unit: .bytes),
            ]
        ),
        .table(
            "Pipelines",
            rows: "pipeline",
            [
                Figure("events", "ingest_pipeline_events_total"),
                Figure("on the way", "ingest_pipeline_pending_bytes", unit: .bytes),
                Figure(
                    "time per event",
                    "ingest_pipeline_busy_seconds_total",
                    unit: .time,
                    per: "ingest_pipeline_events_total"
                ),
                Figure("held back", "ingest_pipeline_unread_seconds_total", .rate, unit: .share),
                Figure("stored", "ingest_pipeline_documents_total", .rate),
                Figure("now", "ingest_pipeline_events_total", .rate),
            ],
            isWide: true
        ),
        .table(
            "Filters by processor time, with the last event that failed",
            rows: "pipeline,id,filter",
            [
                Figure("time", "ingest_filter_seconds_total", unit: .seconds),
                Figure("events", "ingest_filter_events_total"),
                Figure("failures", "ingest_filter_failures_total"),
                Figure(
                    "time per event",
                    "ingest_filter_seconds_total",
                    unit: .time,
                    per: "ingest_filter_events_total"
                ),
                Figure("now", "ingest_filter_seconds_total", .rate, unit: .share),
            ],
            samples: "failure_samples"
        ),
        .table(
            "Stored with a tag, with the last line of each reason",
            rows: "reason",
            Figure.totalAndRate("ingest_pipeline_failures_total"),
            samples: "failure_samples"
        ),
        .table(
            "Dead letters, with the last document of each reason",
            rows: "reason",
            Figure.totalAndRate("ingest_dead_letters_total"),
            samples: "dead_letter_samples"
        ),
        .table("Lines by input", rows: "input", Figure.totalAndRate("ingest_events_received_total")),
        .table("Documents", rows: "outcome", Figure.totalAndRate("ingest_elasticsearch_documents_total")),
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
                Figure("Acknowledged windows", "ingest_windows_acknowledged_total"),
                Figure("Times they were not read for want of memory", "ingest_memory_waits_total"),
            ]
        ),
        .table(
            "Connections ended by ingest",
            rows: "reason",
            Figure.totalAndRate("ingest_connections_ended_total")
        ),
        .facts(
            "Operation",
            [
                Figure("Dead letters on the disk", "ingest_dead_letter_bytes", unit: .bytes),
                Figure("New configurations taken over", "ingest_reloads_total"),
                Figure("New configurations refused", "ingest_reload_errors_total"),
            ]
        ),
    ])
}
