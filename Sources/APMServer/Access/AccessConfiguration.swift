import Common

/// Who may send what: `auth`, and of `rum` and the root what concerns access.
struct AccessConfiguration: Sendable {
    /// `auth.secret_token`; empty for none.
    var secretToken = ""
    var apiKey = APIKeyConfiguration()
    var anonymous = AnonymousConfiguration()
    var rum = RUMConfiguration()
    /// `response_headers`: on every answer.
    var responseHeaders: [HTTPRequest.Field] = []

    init() {}

    /// - Parameter reader: the root.
    init(_ reader: ConfigurationReader) {
        let auth = reader.section("auth")
        secretToken = auth.string("secret_token", default: "")
        apiKey = APIKeyConfiguration(auth.section("api_key"))
        rum = RUMConfiguration(reader.section("rum"))
        anonymous = AnonymousConfiguration(
            auth.section("anonymous"),
            isEnabled: rum.isEnabled && (!secretToken.isEmpty || apiKey.isEnabled)
        )
        responseHeaders = reader.headers("response_headers")
    }
}

/// API keys that Elasticsearch is asked about (`auth.api_key`).
struct APIKeyConfiguration: Sendable {
    var isEnabled = false
    /// Keys a minute.
    var limit = 100
    /// Where to ask; nil for the Elasticsearch of the output.
    var elasticsearch: ElasticsearchSettings?

    init() {}

    init(_ reader: ConfigurationReader) {
        isEnabled = reader.bool("enabled", default: isEnabled)
        limit = reader.int("limit", default: limit, in: 1...100_000)
        let section = reader.section("elasticsearch")
        if section.isPresent { elasticsearch = ElasticsearchSettings(section) }
    }
}

/// Clients without credentials (`auth.anonymous`).
struct AnonymousConfiguration: Equatable, Sendable {
    /// By default exactly when RUM is enabled and credentials are asked for otherwise.
    var isEnabled = false
    /// Empty for all.
    var allowAgent = ["rum-js", "js-base"]
    /// Empty for all.
    var allowService: [String] = []
    /// Events a second from one address; three times as many at once.
    var eventLimit = 300
    /// Addresses whose rate is remembered.
    var ipLimit = 1000

    init() {}

    init(_ reader: ConfigurationReader, isEnabled fallback: Bool) {
        isEnabled = reader.bool("enabled", default: fallback)
        allowAgent = reader.strings("allow_agent", default: allowAgent)
        allowService = reader.strings("allow_service", default: allowService)
        let rate = reader.section("rate_limit")
        eventLimit = rate.int("event_limit", default: eventLimit, in: 1...1_000_000)
        ipLimit = rate.int("ip_limit", default: ipLimit, in: 1...1_000_000)
    }

    var rules: AnonymousRules { AnonymousRules(agents: allowAgent, services: allowService) }
}

/// `rum`, without what the documents need of it.
struct RUMConfiguration: Equatable, Sendable {
    var isEnabled = false
    /// Globs with `*`.
    var allowOrigins = ["*"]
    /// Allowed besides those that RUM agents send.
    var allowHeaders: [String] = []
    /// On answers of the RUM paths.
    var responseHeaders: [HTTPRequest.Field] = []

    init() {}

    init(_ reader: ConfigurationReader) {
        isEnabled = reader.bool("enabled", default: isEnabled)
        allowOrigins = reader.strings("allow_origins", default: allowOrigins)
        allowHeaders = reader.strings("allow_headers", default: allowHeaders)
        for name in allowHeaders where !name.isHeaderName {
            reader.problem("allow_headers", "\"\(name)\" is not the name of a header")
        }
        responseHeaders = reader.headers("response_headers")
    }
}

extension ConfigurationReader {
    /// A section that maps names of headers to a value or a list of values.
    fileprivate func headers(_ key: String) -> [HTTPRequest.Field] {
        let section = section(key)
        return section.names.flatMap { name in
            let values = section.strings(name)
            guard name.isHeaderName, values.allSatisfy(\.isHeaderValue) else {
                section.problem(name, "is not a header: names have no blanks, values no line ends")
                return [HTTPRequest.Field]()
            }
            return values.map { HTTPRequest.Field(name, $0) }
        }
    }
}

extension String {
    /// A token (RFC 9110, section 5.6.2).
    fileprivate var isHeaderName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    fileprivate var isHeaderValue: Bool { utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) } }
}
