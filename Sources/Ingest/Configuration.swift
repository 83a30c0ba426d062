import Common

/// The whole of `ingest.yml`, decoded once at start.
struct Configuration: Sendable {
    var dataDirectory: String
    /// Worker threads.
    var workers: Int
    var inputs: [InputConfiguration]
    var pipelines: [PipelineConfiguration]
    var enrichment: EnrichmentConfiguration
    var output: OutputConfiguration
    var deadLetters: DeadLetterLimits
    var limits: LimitsConfiguration
    var shutdownTimeout: Duration
    var monitoring: MonitoringConfiguration
    var logging: LoggingConfiguration
    /// What is written under each top-level key: to tell what a reload would change.
    let written: [String: [UInt8]]

    /// Decodes the file; complaints are collected in `reader`.
    init(_ reader: ConfigurationReader, cores: Int) {
        written = reader.writtenValues
        dataDirectory = reader.string("data_directory", default: "/var/lib/ingest")
        let workers = reader.int("workers", default: 0, in: 0...256)
        self.workers = workers == 0 ? max(cores, 1) : workers
        pipelines = PipelineConfiguration.all(reader)
        inputs = InputConfiguration.all(reader, pipelines: pipelines)
        let used = Set(inputs.map(\.pipeline))
        PipelineConfiguration.checkNames(of: pipelines.filter { used.contains($0.name) }, reader)
        enrichment = EnrichmentConfiguration(reader)
        output = OutputConfiguration(reader.section("output"))
        deadLetters = DeadLetterLimits(reader.section("dead_letters"))
        limits = LimitsConfiguration(reader.section("limits"))
        shutdownTimeout = reader.duration("shutdown_timeout", default: .seconds(10))
        monitoring = MonitoringConfiguration(reader.section("monitoring"), defaultPort: 9600)
        logging = LoggingConfiguration(reader.section("logging"))
    }

    /// The pipeline of that name; inputs name only pipelines that exist.
    func pipeline(_ name: String) -> PipelineConfiguration? { pipelines.first { $0.name == name } }
}

/// One port and what its lines are (`inputs[]`).
struct InputConfiguration: Sendable {
    var host: String
    var port: Int
    var pipeline: String
    var tls: TLSServerConfiguration

    /// How logs and metrics call it.
    var name: String { "\(pipeline):\(port)" }

    static func all(
        _ reader: ConfigurationReader,
        pipelines: [PipelineConfiguration]
    ) -> [InputConfiguration] {
        guard reader.has("inputs") else {
            return [
                InputConfiguration(
                    host: "0.0.0.0",
                    port: 5044,
                    pipeline: PipelineConfiguration.builtInName,
                    tls: TLSServerConfiguration()
                )
            ]
        }
        let sections = reader.sections("inputs")
        if sections.isEmpty { reader.problem("inputs", "is empty; name at least one port") }
        return sections.map { section in
            let input = InputConfiguration(
                host: section.string("host", default: "0.0.0.0"),
                port: section.int("port", default: 5044, in: 0...65535),
                pipeline: section.string("pipeline", default: PipelineConfiguration.builtInName),
                tls: TLSServerConfiguration(section.section("tls"))
            )
            if !pipelines.contains(where: { $0.name == input.pipeline }) {
                let known = pipelines.map(\.name)
                section.problem(
                    "pipeline",
                    "no pipeline is called \"\(input.pipeline)\"; "
                        + "define it under pipelines, or use one of: \(known.joined(separator: ", "))"
                )
            }
            return input
        }
    }
}

/// Bounds on what senders may do (`limits`).
struct LimitsConfiguration: Sendable {
    var connections: Int
    /// Bytes of documents and half-received frames in the whole process.
    var memoryBytes: Int
    var lumberjack: LumberjackLimits
    var idleTimeout: Duration
    var frameTimeout: Duration

    init(_ reader: ConfigurationReader) {
        connections = reader.int("connections", default: 4096, in: 1...1_000_000)
        memoryBytes = reader.size("memory", default: 32 << 20, in: 8 << 20...1 << 40)
        lumberjack = LumberjackLimits()
        lumberjack.windowEvents = reader.int("window_events", default: 20_000, in: 1...1_000_000)
        lumberjack.frameBytes = reader.size("frame_bytes", default: 16 << 20, in: 1 << 10...64 << 20)
        lumberjack.inflatedBytes = reader.size("inflated_bytes", default: 64 << 20, in: 1 << 10...256 << 20)
        idleTimeout = reader.duration(
            "idle_timeout",
            default: .seconds(900),
            in: .seconds(1)...(.seconds(86400))
        )
        frameTimeout = reader.duration(
            "frame_timeout",
            default: .seconds(30),
            in: .seconds(1)...(.seconds(3600))
        )
    }
}
