import Common
import Glibc

/// The shipper's configuration file, checked and with defaults.
struct Configuration: Sendable {
    struct InputSection: Sendable {
        let paths: [String]
        let excludeFiles: [String]
        let dataset: String
        let fieldsJSON: [UInt8]
        let tags: [String]
        let startPosition: StartPosition
        let scanInterval: Duration
        let maxBytes: Int
        let closeInactive: Duration
        let timezone: TimezoneSetting
        let areFieldsUnderRoot: Bool
        let lines: LineRules
        let sendsIncompleteLine: Bool
        let files: FileOptions
    }

    enum StartPosition: String, CaseIterable, Sendable {
        case beginning, end
    }

    let name: String
    let dataDirectory: String
    let inputs: [InputSection]
    let hosts: [LumberjackClient.Host]
    let queue: EventQueue.Limits
    let output: OutputConfiguration
    let pipelining: Int
    let timeout: Duration
    let connectTimeout: Duration
    let backoff: Backoff
    let tls: TLSClientConfiguration
    let flushLatency: Duration
    let registryFlush: Duration
    let deletedFiles: DeletedFileLimits
    let shutdownTimeout: Duration
    let monitoring: MonitoringConfiguration
    let health: HealthConfiguration
    let logging: LoggingConfiguration
    /// What the file says under each top-level key.
    let written: [String: [UInt8]]

    /// Reads what `reader` holds; what is wrong comes out of its `finish`.
    init(_ reader: ConfigurationReader) {
        FilebeatNames.advise(reader)
        name = reader.string("name").flatMap { $0.isEmpty ? nil : $0 } ?? HostName.current
        dataDirectory = reader.string("data_directory", default: "/var/lib/shipper")
        inputs = reader.sections("inputs").map(InputSection.init)
        if inputs.isEmpty { reader.problem("inputs", "missing; name at least one with paths: [/var/log/…]") }
        let output = reader.section("output")
        FilebeatNames.advise(output: output)
        hosts = Self.hosts(output)
        queue = EventQueue.Limits(
            events: output.int("bulk_max_events", default: 2048, in: 1...20_000),
            bytes: output.size("bulk_max_bytes", default: 1 << 20, in: 1024...(8 << 20)),
            compressionLevel: output.int("compression_level", default: 1, in: 0...9)
        )
        self.output = OutputConfiguration(output)
        pipelining = output.int("pipelining", default: 2, in: 1...64)
        timeout = output.duration("timeout", default: .seconds(30), in: .milliseconds(10)...(.seconds(3600)))
        connectTimeout = output.duration(
            "connect_timeout",
            default: .seconds(10),
            in: .milliseconds(10)...(.seconds(600))
        )
        let waits = Backoff(output.section("backoff"))
        backoff = Backoff(initial: waits.initial, maximum: max(waits.initial, waits.maximum))
        tls = TLSClientConfiguration(output.section("tls"))
        flushLatency = reader.duration(
            "flush_latency",
            default: .milliseconds(20),
            in: .zero...(.seconds(60))
        )
        registryFlush = reader.duration("registry_flush", default: .seconds(1), in: .zero...(.seconds(60)))
        deletedFiles = DeletedFileLimits(reader.section("deleted_files"))
        shutdownTimeout = reader.duration(
            "shutdown_timeout",
            default: .seconds(5),
            in: .zero...(.seconds(600))
        )
        monitoring = MonitoringConfiguration(reader.section("monitoring"), defaultPort: 5066)
        health = HealthConfiguration(reader.section("monitoring"))
        logging = LoggingConfiguration(reader.section("logging"))
        written = reader.writtenValues
    }

    private static func hosts(_ output: ConfigurationReader) -> [LumberjackClient.Host] {
        let texts = output.strings("hosts", default: ["127.0.0.1:5044"])
        if texts.isEmpty { output.problem("hosts", "empty; name at least one as host:port") }
        return texts.compactMap { text in
            if let host = LumberjackClient.Host(text: text) { return host }
            output.problem("hosts", "\"\(text)\" is not host:port; write it as ingest.example.org:5044")
            return nil
        }
    }

    /// Finds the files of an input, those of standard input too.
    func scanner(_ section: InputSection) -> PathScanner {
        let patterns = section.paths.map {
            $0 == StandardInput.path ? StandardInput.pattern(in: dataDirectory) : $0
        }
        return PathScanner(patterns: patterns, exclusions: section.excludeFiles)
    }

    var readsStandardInput: Bool { inputs.contains { $0.paths.contains(StandardInput.path) } }

    /// How the configured inputs are read.
    func inputs(agentID: String, _ metrics: ShipperMetrics) -> [Input] {
        inputs.map { section in
            Input(
                scanner: scanner(section),
                startsAtEnd: section.startPosition == .end,
                scanInterval: section.scanInterval,
                closeInactive: section.closeInactive,
                files: section.files,
                timezone: section.timezone,
                context: Harvester.Context(
                    source: EventTemplate.Source(
                        hostName: name,
                        agentID: agentID,
                        timezone: section.timezone.text,
                        dataset: section.dataset,
                        fieldsJSON: section.fieldsJSON,
                        areFieldsUnderRoot: section.areFieldsUnderRoot,
                        tags: section.tags
                    ),
                    maxLineBytes: section.maxBytes,
                    processor: section.lines.isPlain
                        ? nil : LineProcessor(section.lines, maxLineBytes: section.maxBytes, metrics),
                    sendsIncompleteLine: section.sendsIncompleteLine
                )
            )
        }
    }
}

extension Configuration.InputSection {
    /// Members of every event.
    private static let reservedNames = [
        "@timestamp", "message", "log", "host", "agent", "event", "tags", "stream", "error",
    ]

    init(_ reader: ConfigurationReader) {
        FilebeatNames.advise(input: reader)
        paths = reader.strings("paths")
        if paths.isEmpty {
            reader.problem("paths", "missing; name files or patterns, such as [/var/log/nginx/*.log]")
        }
        if let path = paths.first(where: { PathPattern.recursions(in: $0) > 1 }) {
            reader.problem("paths", "\"\(path)\" holds more than one **; write * for the others")
        }
        excludeFiles = reader.strings("exclude_files")
        files = FileOptions(reader)
        dataset = reader.string("dataset", default: "")
        fieldsJSON = reader.json("fields") ?? []
        if let first = fieldsJSON.first, first != UInt8(ascii: "{") {
            reader.problem("fields", "must be names with values, such as {app: shop}")
        }
        areFieldsUnderRoot = reader.bool("fields_under_root", default: false)
        if areFieldsUnderRoot {
            for name in reader.section("fields").names where Self.reservedNames.contains(name) {
                reader.problem(
                    "fields.\(name)",
                    "is set by the shipper itself; choose another name, or no fields_under_root"
                )
            }
        }
        tags = reader.strings("tags")
        lines = LineRules(reader, dataset: dataset)
        sendsIncompleteLine = reader.bool("send_incomplete_line", default: true)
        startPosition = reader.choice("start_position", default: Configuration.StartPosition.beginning)
        scanInterval = reader.duration(
            "scan_interval",
            default: .seconds(10),
            in: .milliseconds(10)...(.seconds(86400))
        )
        maxBytes = reader.size("max_bytes", default: 10 << 20, in: 1...(15 << 20))
        closeInactive = reader.duration(
            "close_inactive",
            default: .seconds(300),
            in: .seconds(1)...(.seconds(86400 * 30))
        )
        let zone = reader.string("timezone", default: "local")
        timezone = TimezoneSetting(zone)
        if !timezone.isValid {
            reader.problem(
                "timezone",
                "\"\(zone)\" is neither local, an IANA name such as Europe/Berlin, nor +hh:mm"
            )
        }
    }
}

extension LumberjackClient.Host {
    /// `host:port`, `[::1]:port`; the port may be left out and is 5044 then.
    init?(text: String) {
        let bytes = Array(text.utf8)
        var name = text
        var port: String?
        if bytes.first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            name = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty { port = String(rest.dropFirst()) }
        } else if let colon = text.firstIndex(of: ":") {
            guard text[text.index(after: colon)...].firstIndex(of: ":") == nil else { return nil }
            name = String(text[..<colon])
            port = String(text[text.index(after: colon)...])
        }
        guard !name.isEmpty, !name.utf8.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        guard let number = port.map({ Int($0) }) ?? 5044, (1...65535).contains(number) else { return nil }
        self.init(name: name, port: number)
    }
}
