import Common

/// The part of `/stats` about one pipeline, or about all.
struct PipelineStats {
    /// nil for all.
    let name: String?
    let snapshot: MetricsSnapshot
    /// The open ports; those of other pipelines are left out.
    let inputs: [OpenInput]

    private var labels: [String: String] { name.map { ["pipeline": $0] } ?? [:] }
    private var totals: FlowTotals { FlowTotals(snapshot, pipeline: name) }

    private func sum(_ metric: String, _ more: [String: String] = [:]) -> JSONTree {
        .number(snapshot.sum(metric, labels.merging(more) { $1 }))
    }

    private func milliseconds(_ seconds: Double) -> JSONTree { .number((seconds * 1000).rounded()) }

    /// `in`: received; `filtered`: through the filters; `out`: stored, or kept as dead letters.
    var events: JSONTree {
        let totals = totals
        let dropped = snapshot.sum("ingest_filter_dropped_total", labels)
        return .object([
            ("in", .number(totals.input)),
            ("filtered", .number(totals.input - dropped)),
            ("out", .number(totals.output)),
            ("duration_in_millis", milliseconds(totals.busySeconds)),
            ("queue_push_duration_in_millis", milliseconds(totals.unreadSeconds)),
        ])
    }

    /// Events per second, and seconds per second.
    func flow(_ history: FlowHistory, now: Int64) -> JSONTree {
        let rates = history.rates(name, totals, now: now)
        func flow(_ value: (FlowTotals) -> Double) -> JSONTree {
            func rounded(_ totals: FlowTotals) -> JSONTree {
                .number((value(totals) * 1000).rounded() / 1000)
            }
            var members: [(name: String, value: JSONTree)] = [("current", rounded(rates.current))]
            if let minute = rates.lastMinute { members.append(("last_1_minute", rounded(minute))) }
            members.append(("lifetime", rounded(rates.lifetime)))
            return .object(members)
        }
        return .object([
            ("input_throughput", flow(\.input)),
            ("filter_throughput", flow(\.input)),
            ("output_throughput", flow(\.output)),
            ("queue_backpressure", flow(\.unreadSeconds)),
            ("worker_concurrency", flow(\.busySeconds)),
        ])
    }

    var plugins: JSONTree {
        .object([
            ("inputs", .array(inputs.filter { $0.configuration.pipeline == name }.map(input))),
            ("codecs", .array([])),
            ("filters", .array(filters)),
            ("outputs", .array([output])),
        ])
    }

    private func input(_ input: OpenInput) -> JSONTree {
        let labels = ["input": input.configuration.name]
        return .object([
            ("id", .string(input.configuration.name)),
            ("name", .string("beats")),
            ("current_connections", .number(snapshot.sum("ingest_input_connections_open", labels))),
            ("events", .object([("out", .number(snapshot.sum("ingest_events_received_total", labels)))])),
        ])
    }

    /// One for each filter that the metrics know of this pipeline, in its order.
    private var filters: [JSONTree] {
        snapshot.samples("ingest_filter_events_total", labels).map { sample in
            let seconds = snapshot.sum("ingest_filter_seconds_total", sample.labels)
            return .object([
                ("id", .string(sample.labels["id"] ?? "")),
                ("name", .string(sample.labels["filter"] ?? "")),
                (
                    "events",
                    .object([
                        ("in", .number(sample.value)),
                        (
                            "out",
                            .number(
                                sample.value - snapshot.sum("ingest_filter_dropped_total", sample.labels)
                            )
                        ),
                        ("duration_in_millis", milliseconds(seconds)),
                    ])
                ),
                ("failures", .number(snapshot.sum("ingest_filter_failures_total", sample.labels))),
            ])
        }
    }

    private var output: JSONTree {
        let outcomes = ["stored", "duplicate"].map {
            snapshot.sum("ingest_pipeline_documents_total", labels.merging(["outcome": $0]) { $1 })
        }
        let deadLetters = sum("ingest_pipeline_documents_total", ["outcome": "dead_letter"])
        let responses = snapshot.samples("ingest_bulk_responses_total", labels).map { sample in
            (name: sample.labels["status"] ?? "", value: JSONTree.number(sample.value))
        }
        return .object([
            ("id", .string("elasticsearch")),
            ("name", .string("elasticsearch")),
            ("events", .object([("in", .number(totals.input)), ("out", .number(totals.output))])),
            (
                "documents",
                .object([
                    ("successes", .number(outcomes.reduce(0, +))),
                    ("retryable_failures", sum("ingest_bulk_items_turned_back_total")),
                    ("non_retryable_failures", deadLetters),
                    ("dlq_routed", deadLetters),
                ])
            ),
            (
                "bulk_requests",
                .object([
                    ("successes", sum("ingest_bulk_requests_total", ["result": "success"])),
                    ("with_errors", sum("ingest_bulk_requests_total", ["result": "with_errors"])),
                    ("failures", sum("ingest_bulk_requests_total", ["result": "failure"])),
                    ("responses", .object(responses)),
                ])
            ),
        ])
    }

    /// There is no queue: what is not stored yet is in memory, or still with its sender, who is not read meanwhile.
    func queue(_ limits: LimitsConfiguration) -> JSONTree {
        .object([
            ("type", .string("none")),
            ("events_count", .number(0)),
            ("queue_size_in_bytes", sum("ingest_pipeline_pending_bytes")),
            ("max_queue_size_in_bytes", .count(limits.memoryBytes)),
            ("unread_connections", sum("ingest_pipeline_connections_paused")),
        ])
    }

    var deadLetters: JSONTree {
        .object([
            ("dropped_events", .number(0)),
            ("queue_size_in_bytes", .number(snapshot.sum("ingest_dead_letter_bytes"))),
        ])
    }
}
