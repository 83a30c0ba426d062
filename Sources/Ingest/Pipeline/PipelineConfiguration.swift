import Common

/// What one entry below `pipelines` says.
struct PipelineConfiguration: Sendable {
    /// The pipeline that exists without configuration.
    static let builtInName = "nginx-access"

    var name = PipelineConfiguration.builtInName
    /// `combined`, `main`, or the text of a `log_format`.
    var logFormat = "combined"
    var escape = NginxLogFormat.Escape.default
    /// Prefix of the daily indices.
    var index = "nginx"
    /// Proxies whose `X-Forwarded-For` is believed: private networks and this machine.
    var trustedProxies = [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    ]
    /// How long before it was read an event may have happened; zero for any time.
    var oldestEvent = Duration.seconds(7300 * 86400)
    /// How long after it was read an event may have happened (clocks differ); zero for any time.
    var newestEvent = Duration.seconds(86400)

    /// What is done with the documents of the format (`filters`).
    var filters: [FilterStep] = []
    /// Lines with the documents that they must become (`tests`).
    var tests: [PipelineTest] = []

    init() {}

    /// Reads an entry of `pipelines`; complaints go to the reader.
    init(name: String, _ reader: ConfigurationReader) {
        let defaults = PipelineConfiguration()
        self.name = name
        logFormat = reader.string("log_format", default: defaults.logFormat)
        escape = reader.choice("escape", default: defaults.escape)
        index = reader.string("index", default: defaults.index)
        trustedProxies = reader.strings("trusted_proxies", default: defaults.trustedProxies)
        oldestEvent = reader.duration("oldest_event", default: defaults.oldestEvent)
        newestEvent = reader.duration("newest_event", default: defaults.newestEvent)
        var ids: Set<String> = []
        filters = FilterStep.steps(reader, "filters", ids: &ids)
        if ids.count > FilterStep.maxCount {
            reader.problem("filters", "has \(ids.count) filters; \(FilterStep.maxCount) are the most")
        }
        tests = reader.sections("tests").enumerated().map { PipelineTest($1, number: $0 + 1) }
        if let problem = DailyIndex.problem(withPrefix: index) { reader.problem("index", problem) }
        for text in trustedProxies where IPNetwork(text) == nil {
            reader.problem(
                "trusted_proxies",
                "\(text) is no address or network; write 10.0.0.0/8 or 192.0.2.1"
            )
        }
        do throws(NginxFormatError) {
            _ = try formats()
        } catch {
            reader.problem("log_format", "\(error)")
        }
    }

    /// All pipelines of a configuration: those below `pipelines`, and the built-in one unless it is redefined.
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
        if !pipelines.contains(where: { $0.name == builtInName }) {
            pipelines.append(PipelineConfiguration())
        }
        return pipelines
    }

    /// The formats that lines may have, the likeliest first.
    ///
    /// `combined` also takes lines of `main`: the nginx.conf that is shipped has `main`, and a quote cannot stand
    /// inside a value, so they cannot be mixed up.
    func formats() throws(NginxFormatError) -> [NginxLogFormat] {
        switch logFormat {
        case "combined":
            [
                try NginxLogFormat(NginxLogFormat.combined, escape: escape),
                try NginxLogFormat(NginxLogFormat.main, escape: escape),
            ]
        case "main": [try NginxLogFormat(NginxLogFormat.main, escape: escape)]
        default: [try NginxLogFormat(logFormat, escape: escape)]
        }
    }

    /// The fields beyond `ECSField` that this pipeline writes, for the table that all share.
    func fieldNames() throws(NginxFormatError) -> [String] {
        try formats().flatMap(\.otherNames).map(NginxAccessFilter.fieldName)
    }
}
