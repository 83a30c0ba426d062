import Common

/// All that decides about access, shared by the workers.
final class Access: Sendable {
    let authorizer: Authorizer
    let crossOrigin: CrossOrigin
    let anonymousRules: AnonymousRules
    let isRUMEnabled: Bool
    /// On every answer.
    let responseHeaders: [HTTPRequest.Field]
    /// On answers of the RUM paths.
    let rumResponseHeaders: [HTTPRequest.Field]
    let metrics: AccessMetrics

    private let limiter: EventLimiter
    private let apiKeys: APIKeys?

    /// - Parameter elasticsearch: of the output, asked about API keys unless the configuration names another.
    /// - Throws: when API keys are wanted and certificate files cannot be used.
    init(
        _ configuration: AccessConfiguration,
        elasticsearch: ElasticsearchSettings,
        metrics: Metrics
    ) throws {
        let anonymous = configuration.anonymous
        let key = configuration.apiKey
        apiKeys = key.isEnabled ? try APIKeys(limit: key.limit, key.elasticsearch ?? elasticsearch) : nil
        authorizer = Authorizer(
            token: SecretToken(configuration.secretToken),
            apiKeys: apiKeys,
            allowsAnonymous: anonymous.isEnabled
        )
        let rum = configuration.rum
        crossOrigin = CrossOrigin(origins: rum.allowOrigins, headers: rum.allowHeaders)
        isRUMEnabled = rum.isEnabled
        anonymousRules = anonymous.rules
        limiter = EventLimiter(eventsPerSecond: anonymous.eventLimit, addresses: anonymous.ipLimit)
        responseHeaders = configuration.responseHeaders
        rumResponseHeaders = rum.responseHeaders
        self.metrics = AccessMetrics(metrics)
    }

    /// Ends the thread that asks about API keys.
    func stop() { apiKeys?.stop() }

    /// What the events of a client have to pass; nil when it may send everything.
    func gate(for identity: Identity, address: String) -> EventGate? {
        switch identity {
        case .anonymous: EventGate(anonymousRules, limiter.bucket(of: address))
        case .everything: nil
        case .apiKey: identity.mayWriteEvents ? nil : .closed()
        }
    }

    /// Takes the token that a request of an anonymous client costs.
    ///
    /// - Returns: false when there is none: the request is refused.
    func admitsRequest(of identity: Identity, address: String, now: Int64) -> Bool {
        guard identity == .anonymous else { return true }
        return limiter.bucket(of: address).take(now: now)
    }
}

/// Requests refused before anything of them was read.
struct AccessMetrics: Sendable {
    let unauthorized: Counter
    let unavailable: Counter
    let rateLimit: Counter
    let origin: Counter
    let disabled: Counter
    let unknownPath: Counter

    init(_ metrics: Metrics) {
        func counter(_ reason: String) -> Counter {
            metrics.counter(
                "apm_server_requests_refused_total",
                "Requests refused before their body was read, by reason.",
                [("reason", reason)]
            )
        }
        unauthorized = counter("unauthorized")
        unavailable = counter("authentication_unavailable")
        rateLimit = counter("rate_limit")
        origin = counter("origin")
        disabled = counter("rum_disabled")
        unknownPath = counter("unknown_path")
    }
}
