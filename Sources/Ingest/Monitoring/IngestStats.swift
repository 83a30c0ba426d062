import Common

/// What `/stats` says besides the metrics: the shape that monitors of Logstash know.
///
/// Times are in milliseconds and sizes in bytes, as there. What Logstash has and this service has not (heap, queue on
/// disk) is left out or says so.
struct IngestStats: Sendable {
    let metrics: Metrics
    let inputs: RunningInputs
    let flows: FlowHistory
    let reloads: ReloadStatus
    let configuration: Configuration
    let health: @Sendable () -> Health

    /// The members, as JSON without braces.
    var members: [UInt8] {
        let snapshot = metrics.snapshot
        let now = Clock.monotonic
        let open = inputs.current
        let total = PipelineStats(name: nil, snapshot: snapshot, inputs: open)
        var names: [String] = []
        for input in open where !names.contains(input.configuration.pipeline) {
            names.append(input.configuration.pipeline)
        }
        let reloads = JSONTree.verbatim(reloads.json)
        let host = HostName.current
        let bulk = configuration.output.bulk
        var json = ByteBuffer(capacity: 4096)
        JSONTree.append(
            [
                ("host", .string(host)),
                ("name", .string(host)),
                ("version", .string(Version.current)),
                ("status", .string(health().isHealthy ? "green" : "red")),
                (
                    "pipeline",
                    .object([
                        ("workers", .count(configuration.workers)),
                        ("batch_size", .count(bulk.maxEvents)),
                        ("batch_delay", .number(Double(bulk.maxDelay.milliseconds))),
                    ])
                ),
                ("process", Self.process(snapshot)),
                ("events", total.events),
                ("flow", total.flow(flows, now: now)),
                ("reloads", reloads),
                ("queue", total.queue(configuration.limits)),
                (
                    "pipelines",
                    .object(
                        names.map { name in
                            let stats = PipelineStats(name: name, snapshot: snapshot, inputs: open)
                            return (
                                name,
                                .object([
                                    ("events", stats.events),
                                    ("flow", stats.flow(flows, now: now)),
                                    ("plugins", stats.plugins),
                                    ("reloads", reloads),
                                    ("queue", stats.queue(configuration.limits)),
                                    ("dead_letter_queue", stats.deadLetters),
                                ])
                            )
                        }
                    )
                ),
            ],
            to: &json
        )
        return json.array
    }

    private static func process(_ snapshot: MetricsSnapshot) -> JSONTree {
        let cpu = snapshot.sum("process_cpu_seconds") * 1000
        return .object([
            ("open_file_descriptors", .number(snapshot.sum("process_open_fds"))),
            ("cpu", .object([("total_in_millis", .number(cpu.rounded()))])),
            ("mem", .object([("resident_in_bytes", .number(snapshot.sum("process_resident_memory_bytes")))])),
        ])
    }
}
