extension ElasticsearchSettings {
    /// Decodes `output.elasticsearch`, without what is the service's own (bulk sizes, templates).
    ///
    /// Complaints are collected in `reader`.
    ///
    /// - Parameter concurrentRequests: the default of that key.
    package init(_ reader: ConfigurationReader, concurrentRequests: Int = 2) {
        var hosts: [HTTPServerAddress] = []
        for text in reader.strings("hosts", default: ["http://127.0.0.1:9200"]) {
            do { hosts.append(try HTTPServerAddress(text)) } catch { reader.problem("hosts", "\(error)") }
        }
        if hosts.isEmpty { reader.problem("hosts", "is empty; name one, such as http://127.0.0.1:9200") }
        self.init(hosts: hosts)
        http = HTTPClientSettings(reader)
        isCompressed = reader.bool("compression", default: false)
        self.concurrentRequests = reader.int(
            "concurrent_requests",
            default: concurrentRequests,
            in: 1...64
        )
        let interval = reader.duration(
            "sniffing_interval",
            default: .seconds(60),
            in: .seconds(1)...(.seconds(86400))
        )
        if reader.bool("sniffing", default: false) { sniffingInterval = interval }
        retry = Backoff(reader.section("backoff"))
    }
}

extension HTTPClientSettings {
    /// Decodes credentials, time-outs and `tls` of a section.
    init(_ reader: ConfigurationReader) {
        self.init()
        credentials = Self.credentials(reader)
        timeout = reader.duration("timeout", default: .seconds(90), in: .seconds(1)...(.seconds(3600)))
        connectTimeout = reader.duration(
            "connect_timeout",
            default: .seconds(10),
            in: .milliseconds(100)...(.seconds(600))
        )
        let tls = reader.section("tls")
        certificateAuthorities = tls.readableFiles("certificate_authorities")
        let identity = tls.certificateAndKey()
        certificate = identity.certificate ?? ""
        key = identity.key ?? ""
        verification = tls.choice("verification_mode", default: .full)
        fingerprint = tls.certificateFingerprint()
    }

    private static func credentials(_ reader: ConfigurationReader) -> Credentials {
        let username = reader.string("username", default: "")
        let password = reader.string("password", default: "")
        let apiKey = reader.string("api_key", default: "")
        if !apiKey.isEmpty {
            if !username.isEmpty { reader.problem("api_key", "excludes username; keep one of the two") }
            return .apiKey(apiKey)
        }
        if username.isEmpty {
            if !password.isEmpty { reader.problem("password", "needs a username") }
            return .none
        }
        return .basic(username: username, password: password)
    }
}
