import Common

/// What one entry below `pipelines` says.
struct PipelineConfiguration: Sendable {
    /// The pipeline that inputs without one have.
    static let builtInName = FormatName.nginxAccess.rawValue

    var name: String
    /// What lines are.
    var format: FormatName
    /// The text of the server's log format, or the name of one that is known.
    var logFormat: String
    var escape = NginxLogFormat.Escape.default
    /// Beginning of the daily indices' names, with fields as `IndexPattern` has them.
    var index: String
    /// Distinct names a day that fields may make.
    var maxIndices = 100
    /// One data stream in place of daily indices; empty for none.
    var dataStream = ""
    /// The zone of times that name none, where the event does not say it.
    var timezone = TimeZoneRules.utc
    /// Proxies whose `X-Forwarded-For` is believed: private networks and this machine.
    var trustedProxies = [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    ]
    /// How long before it was read an event may have happened; zero for any time.
    var oldestEvent = Duration.seconds(7300 * 86400)
    /// How long after it was read an event may have happened (clocks differ); zero for any time.
    var newestEvent = Duration.seconds(86400)
    /// Query parameters that become fields.
    var urlParameters: [String] = []
    /// The secret for `client.fingerprint`; nil for none.
    var clientFingerprintKey: String?

    /// What is done with the documents of the format (`filters`).
    var filters: [FilterStep] = []
    /// Lines with the documents that they must become (`tests`).
    var tests: [PipelineTest] = []

    /// The pipeline that exists without configuration for a format.
    init(_ format: FormatName = .nginxAccess) {
        name = format.rawValue
        self.format = format
        logFormat = format.defaultLogFormat ?? ""
        index = format.index
    }

    /// Reads an entry of `pipelines`; complaints go to the reader.
    init(name: String, _ reader: ConfigurationReader) {
        // Filters of one's own mean a format of one's own.
        let isOwn = reader.has("filters") && !reader.has("log_format")
        let format = reader.choice(
            "format",
            default: FormatName(rawValue: name) ?? (isOwn ? .plain : .nginxAccess)
        )
        let defaults = PipelineConfiguration(format)
        self = defaults
        self.name = name
        logFormat = reader.string("log_format", default: defaults.logFormat)
        escape = reader.choice("escape", default: defaults.escape)
        readTarget(reader, defaults)
        timezone = Self.zone(reader.string("timezone", default: defaults.timezone.name), reader)
        trustedProxies = reader.strings("trusted_proxies", default: defaults.trustedProxies)
        oldestEvent = reader.duration("oldest_event", default: defaults.oldestEvent)
        newestEvent = reader.duration("newest_event", default: defaults.newestEvent)
        var ids: Set<String> = []
        filters = FilterStep.steps(reader, "filters", ids: &ids)
        if ids.count > FilterStep.maxCount {
            reader.problem("filters", "has \(ids.count) filters; \(FilterStep.maxCount) are the most")
        }
        tests = reader.sections("tests").enumerated().map { PipelineTest($1, number: $0 + 1) }
        urlParameters = reader.strings("url_params", default: defaults.urlParameters)
        clientFingerprintKey = Self.fingerprintKey(reader.section("client_fingerprint"))
        check(reader)
    }

    private static func fingerprintKey(_ reader: ConfigurationReader) -> String? {
        let key = reader.string("key", default: "")
        guard !key.isEmpty else { return nil }
        if key.utf8.count < ClientFingerprint.minSecretBytes {
            reader.problem(
                "key",
                "shorter than \(ClientFingerprint.minSecretBytes) bytes, so it can be guessed; "
                    + "use a long random text, such as that of openssl rand -hex 16"
            )
        }
        return key
    }

    private static func zone(_ name: String, _ reader: ConfigurationReader) -> TimeZoneRules {
        do throws(TimeZoneError) {
            return try TimeZoneRules.named(name)
        } catch {
            reader.problem("timezone", "\(error)")
            return .utc
        }
    }

    private func check(_ reader: ConfigurationReader) {
        _ = reader.networks(trustedProxies, of: "trusted_proxies")
        for name in urlParameters {
            if let problem = URLParameters.problem(with: name) { reader.problem("url_params", problem) }
        }
        if urlParameters.count > URLParameters.maxNames {
            reader.problem(
                "url_params",
                "has more than \(URLParameters.maxNames) names; list those you search by"
            )
        }
        if reader.has("log_format"), format.defaultLogFormat == nil {
            reader.problem("log_format", "lines of \(format.rawValue) have one format only; remove it")
        }
        do throws(LogFormatError) {
            _ = try compiled()
        } catch {
            reader.problem("log_format", "\(error)")
        }
    }

    /// All pipelines of a configuration: those below `pipelines`, and one for each format whose name is still free.
    static func all(_ reader: ConfigurationReader) -> [PipelineConfiguration] {
        var pipelines = reader.namedSections("pipelines").map { PipelineConfiguration(name: $0.0, $0.1) }
        for pipeline in PipelineFiles.pipelines(reader) {
            if pipelines.contains(where: { $0.name == pipeline.name }) {
                reader.problem(
                    "pipeline_files",
                    "a second pipeline is called \"\(pipeline.name)\"; rename the file"
                )
            }
            pipelines.append(pipeline)
        }
        for format in FormatName.allCases where !pipelines.contains(where: { $0.name == format.rawValue }) {
            pipelines.append(PipelineConfiguration(format))
        }
        return pipelines
    }

    /// What lines look like.
    func compiled() throws(LogFormatError) -> CompiledFormat {
        try CompiledFormat(format, logFormat: logFormat, escape: escape)
    }

    /// The fields beyond `ECSField` that this pipeline writes, for the table that all share.
    func fieldNames() throws(LogFormatError) -> [String] {
        try compiled().fieldNames + urlParameters.map(URLParameters.field)
    }
}
