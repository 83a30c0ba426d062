import Common

/// `/config/v1/agents` and `/config/v1/rum/agents`: the central configuration of a service's agents.
///
///     GET ?service.name=a&service.environment=b&ifnonematch=ETAG
///     POST {"service":{"name":"a","environment":"b"}}
///     200 {"transaction_sample_rate":"0.5"} with Etag "ETAG", or 304 when the client has it
struct AgentConfigurationRoute: Sendable {
    private struct Query {
        var name = ""
        var environment = ""
        var etag = ""
    }

    /// Agents wait so long after an answer that has no configuration for them.
    private static let refusedCaching = "max-age=300, must-revalidate"

    private let configurations: AgentConfigurations
    private let rules: AnonymousRules
    private let defaultEnvironment: String
    private let caching: String

    /// - Parameters:
    ///   - rules: for anonymous clients.
    ///   - defaultEnvironment: of services that name none.
    ///   - expiration: how long agents keep an answer, in whole seconds.
    init(
        _ configurations: AgentConfigurations,
        rules: AnonymousRules,
        defaultEnvironment: String,
        expiration: Duration
    ) {
        self.configurations = configurations
        self.rules = rules
        self.defaultEnvironment = defaultEnvironment
        caching = "max-age=\(expiration.nanoseconds / 1_000_000_000), must-revalidate"
    }

    /// - Parameter identity: of an admitted client.
    func open(_ request: HTTPRequest, _ identity: Identity) -> HTTPOpening {
        switch request.method {
        case "GET":
            let query = Query(
                name: request.parameter("service.name") ?? "",
                environment: request.parameter("service.environment") ?? ""
            )
            return .respond(answer(query, request, identity))
        case "POST":
            return .stream(
                DecodedBody(
                    request,
                    answer: { body in
                        guard let query = Self.query(body) else {
                            return refuse(400, "invalid query", request)
                        }
                        return answer(query, request, identity)
                    },
                    refuse: { reason in
                        let isAnonymous = identity == .anonymous
                        return refuse(
                            400,
                            isAnonymous ? "invalid query" : "invalid query: \(reason)",
                            request
                        )
                    }
                )
            )
        default: return .respond(refuse(405, "method not supported: \(request.method)", request))
        }
    }

    private func answer(_ query: Query, _ request: HTTPRequest, _ identity: Identity) -> HTTPResponse {
        guard identity.mayReadConfiguration else {
            let reason =
                "unauthorized: API key not permitted to read configurations (privilege config_agent:read)"
            return refuse(403, reason, request)
        }
        let isAnonymous = identity == .anonymous
        guard !query.name.isEmpty else {
            return refuse(400, isAnonymous ? "invalid query" : "service.name is required", request)
        }
        if isAnonymous, !rules.allows(service: query.name) {
            let reason = "unauthorized: anonymous access not permitted for service \"\(query.name)\""
            return refuse(403, reason, request)
        }
        let environment = query.environment.isEmpty ? defaultEnvironment : query.environment
        switch configurations.find(service: query.name, environment: environment) {
        case .unavailable: return refuse(503, "unable to retrieve the agent configuration", request)
        case .nothing: return answer(AgentConfiguration.none, request)
        case .found(let found):
            guard isAnonymous else { return answer(found, request) }
            guard rules.showsConfiguration(ofAgent: found.agentName) else {
                return answer(AgentConfiguration.none, request)
            }
            return answer(found.publicPart, request)
        }
    }

    private func answer(_ configuration: AgentConfiguration, _ request: HTTPRequest) -> HTTPResponse {
        let headers: [HTTPRequest.Field] = [
            .init("Etag", "\"\(configuration.etag)\""), .init("Cache-Control", caching),
            .init("Access-Control-Expose-Headers", "Etag"),
        ]
        guard Self.knownEtag(request) == configuration.etag else {
            return Answer.json(configuration.json, headers: headers, to: request)
        }
        configurations.applied(configuration)
        return HTTPResponse(status: 304, headers: headers)
    }

    private func refuse(_ status: Int, _ message: String, _ request: HTTPRequest) -> HTTPResponse {
        let caching = HTTPRequest.Field("Cache-Control", Self.refusedCaching)
        return Answer.error(status: status, message, headers: [caching], to: request)
    }

    /// What the client has already, without quotes; empty for nothing.
    private static func knownEtag(_ request: HTTPRequest) -> String {
        let header = request.header("If-None-Match") ?? ""
        let text = header.isEmpty ? request.parameter("ifnonematch") ?? "" : header
        return String(text.filter { $0 != "\"" })
    }

    /// nil when the body is no JSON object, or name or environment are no strings.
    private static func query(_ body: [UInt8]) -> Query? {
        body.withUnsafeBytes { buffer in
            let bytes = buffer.bytes
            var reader = JSONReader()
            guard let range = try? reader.value(bytes), bytes[range.lowerBound] == UInt8(ascii: "{") else {
                return nil
            }
            var query = Query()
            for (key, path) in [("name", \Query.name), ("environment", \Query.environment)] {
                guard let range = JSONLookup.range(bytes, ["service", key]), !bytes.equals("null", range)
                else {
                    continue
                }
                guard let text = JSONLookup.text(bytes, ["service", key]) else { return nil }
                query[keyPath: path] = text
            }
            return query
        }
    }
}
