import Common

/// Where the central configuration comes from: `agent.config`, and the list `agent_configuration`.
struct AgentConfigurationSettings: Sendable {
    /// How long agents keep an answer, and how often Elasticsearch is read; whole seconds.
    var expiration = Duration.seconds(30)
    /// Whether the index of Kibana is read.
    var isStoreRead = true
    /// Where to read it; nil for the Elasticsearch of the output.
    var elasticsearch: ElasticsearchSettings?
    /// `agent_configuration`.
    var configured: [AgentConfiguration] = []

    init() {}

    /// - Parameter reader: the root.
    init(_ reader: ConfigurationReader) {
        let section = reader.section("agent").section("config")
        expiration = section.section("cache").duration(
            "expiration",
            default: expiration,
            in: .seconds(1)...(.seconds(86400))
        )
        if expiration.nanoseconds % 1_000_000_000 != 0 {
            section.section("cache").problem("expiration", "is whole seconds, because HTTP counts in them")
        }
        let store = section.section("elasticsearch")
        isStoreRead = store.bool("enabled", default: isStoreRead)
        if store.names.contains(where: { $0 != "enabled" }) { elasticsearch = ElasticsearchSettings(store) }
        configured = reader.sections("agent_configuration").map(Self.configuration)
    }

    private static func configuration(_ reader: ConfigurationReader) -> AgentConfiguration {
        let service = reader.section("service")
        let settings = reader.section("settings")
        return AgentConfiguration(
            service: service.string("name", default: ""),
            environment: service.string("environment", default: ""),
            agentName: reader.string("agent_name", default: ""),
            etag: nil,
            settings: settings.names.compactMap { name in
                settings.string(name).map { AgentConfiguration.Setting(name: name, value: $0) }
            }
        )
    }
}
