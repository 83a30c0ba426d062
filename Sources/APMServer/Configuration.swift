import Common

/// The whole of `apm-server.yml`, decoded once at start.
///
/// Keys have the names that Elastic's server gives them, without its prefix `apm-server.`, where it has such a setting.
struct Configuration: Sendable {
    /// A name, an address, or `unix:/path`.
    var host: String
    /// 8200 is where APM agents look by default; 0 lets the system choose.
    var port: Int
    var tls: TLSServerConfiguration
    /// Threads that receive and map events.
    var workers: Int
    var limits: LimitsConfiguration
    var intake = IntakeRoute.Settings()
    var access: AccessConfiguration
    var mapping = MappingSettings()
    /// For stores without pipelines of their own.
    var enrichment: EnrichmentConfiguration
    var agentConfiguration: AgentConfigurationSettings
    var counters: CountersConfiguration
    var aggregation: AggregationConfiguration
    var sampling: TailConfiguration
    /// Documents go to daily indices with classic names instead of data streams.
    var isClassic: Bool
    var bulk: BulkConfiguration
    var delivery: DeliverySettings
    var monitoring: MonitoringConfiguration
    var logging: LoggingConfiguration

    private static let monitoringPort = 5067
    private static let bulkDefaults = BulkConfiguration(
        maxEvents: 5000,
        maxBytes: 1 << 20,
        maxDelay: .milliseconds(200)
    )

    /// Complaints stay with `reader`, for its `finish`.
    ///
    /// - Parameter cores: of the machine.
    init(_ reader: ConfigurationReader, cores: Int) {
        host = reader.string("host", default: "127.0.0.1")
        if host.isEmpty { reader.problem("host", "empty; give an address such as 127.0.0.1") }
        // As Elastic's server has it; IPv6 addresses have more colons.
        if !host.hasPrefix("unix:"), host.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
            reader.problem("host", "holds a port; write it as port")
        }
        port = reader.int("port", default: 8200, in: 0...65535)
        tls = TLSServerConfiguration(reader.section("tls"))
        let workers = reader.int("workers", default: 0, in: 0...256)
        self.workers = workers == 0 ? max(cores, 1) : workers
        limits = LimitsConfiguration(reader)
        access = AccessConfiguration(reader)
        enrichment = EnrichmentConfiguration(reader)
        agentConfiguration = AgentConfigurationSettings(reader)
        counters = CountersConfiguration(reader.section("expvar"))
        aggregation = AggregationConfiguration(reader.section("aggregation"))
        sampling = TailConfiguration(reader.section("sampling").section("tail"))
        let output = reader.section("output").section("elasticsearch")
        ElasticNames.advise(reader, output)
        isClassic = output.choice("indices", default: IndexKind.dataStreams) == .daily
        bulk = BulkConfiguration(output, defaults: Self.bulkDefaults)
        delivery = DeliverySettings(reader, isClassic: isClassic)
        monitoring = MonitoringConfiguration(reader.section("monitoring"), defaultPort: Self.monitoringPort)
        logging = LoggingConfiguration(reader.section("logging"))
        readDocuments(reader)
        intake.maxEventBytes = limits.eventBytes
        intake.maxDecompressedBytes = limits.decompressedBytes
        intake.capturesPersonalData = mapping.capturesPersonalData
    }

    /// How indices are called.
    var indexNames: IndexNames {
        IndexNames(isClassic: isClassic, version: ServerInformationRoute.compatibleVersion)
    }

    private mutating func readDocuments(_ reader: ConfigurationReader) {
        mapping.observerHostname = HostName.current
        mapping.capturesPersonalData = reader.bool("capture_personal_data", default: true)
        mapping.defaultServiceEnvironment = reader.string("default_service_environment", default: "")
        let streams = reader.section("data_streams")
        mapping.namespace = streams.string("namespace", default: mapping.namespace)
        if !mapping.namespace.isNamespace {
            streams.problem("namespace", "has to be 1 to 100 lower-case letters, digits, _ or .")
        }
        let rum = reader.section("rum")
        mapping.libraryPattern = rum.string("library_pattern", default: mapping.libraryPattern)
        mapping.excludeFromGroupingPattern = rum.string(
            "exclude_from_grouping",
            default: mapping.excludeFromGroupingPattern
        )
        for (key, pattern) in [
            ("library_pattern", mapping.libraryPattern),
            ("exclude_from_grouping", mapping.excludeFromGroupingPattern),
        ] {
            if let problem = RUMFrames.problem(pattern) { rum.problem(key, problem) }
        }
    }
}

/// What documents are written to (`output.elasticsearch.indices`).
enum IndexKind: String, CaseIterable, Sendable {
    case dataStreams = "data_streams"
    case daily
}

/// Bounds on what clients may do.
struct LimitsConfiguration: Sendable {
    var connections: Int
    var headerBytes: Int
    var eventBytes: Int
    var decompressedBytes: Int
    var otlpBodyBytes: Int
    var idleTimeout: Duration
    var readTimeout: Duration
    var writeTimeout: Duration
    var shutdownTimeout: Duration

    /// - Parameter reader: the root.
    init(_ reader: ConfigurationReader) {
        connections = reader.int("max_connections", default: 4096, in: 1...1_000_000)
        headerBytes = reader.size("max_header_size", default: 32 << 10, in: 4 << 10...1 << 20)
        eventBytes = reader.size("max_event_size", default: 307_200, in: 1 << 10...64 << 20)
        decompressedBytes = reader.size("max_decompressed_size", default: 128 << 20, in: 1 << 20...1 << 40)
        otlpBodyBytes = reader.size("max_otlp_body_size", default: 16 << 20, in: 1 << 16...1 << 30)
        func timeout(_ key: String, _ seconds: Int) -> Duration {
            reader.duration(key, default: .seconds(seconds), in: .milliseconds(100)...(.seconds(3600)))
        }
        idleTimeout = timeout("idle_timeout", 45)
        readTimeout = timeout("read_timeout", 30)
        writeTimeout = timeout("write_timeout", 30)
        shutdownTimeout = timeout("shutdown_timeout", 30)
    }
}

extension String {
    /// What may stand in the name of a data stream behind its last dash.
    fileprivate var isNamespace: Bool {
        (1...100).contains(utf8.count)
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
