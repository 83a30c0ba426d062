import Common

/// What one client may send: agents and services that the configuration allows, and so many events a second.
///
/// One per request of an anonymous client, or of one that may send nothing; others need none. Used by one thread; the
/// tokens it takes are shared with the client's other requests.
final class EventGate {
    private enum Rule {
        case anonymous(AnonymousRules, TokenBucket)
        case closed
    }

    /// Elastic's server lets a batch of events wait so long for its tokens.
    ///
    /// A worker must not wait, so a client may use the tokens of the coming second in advance; `pause` says how long
    /// it would have waited.
    private static let debtNanoseconds: Int64 = 1_000_000_000
    /// Less is not worth a pause: streams are slowed down ten times a second, not at each event.
    private static let smallDebtNanoseconds: Int64 = 100_000_000
    /// How long a stream may wait for others of its client to let it have tokens.
    static let patienceNanoseconds = debtNanoseconds
    private static let prefix = "cannot handle stream: cannot process batch: "

    /// The client has sent too many events.
    static let rateLimitExceeded = IntakeError(status: 429, .rateLimit, prefix + "rate limit exceeded")

    private let rule: Rule

    /// For an anonymous client.
    init(_ rules: AnonymousRules, _ bucket: TokenBucket) { rule = .anonymous(rules, bucket) }

    private init() { rule = .closed }

    /// For an API key without the privilege to send events.
    static func closed() -> EventGate { EventGate() }

    /// Takes one event's token.
    ///
    /// - Throws: 403 when agent or service is not allowed, 429 when the client has sent too many.
    func admit(agentName: RawSpan, serviceName: RawSpan) throws(IntakeError) {
        try admit(agentName: agentName, serviceName: serviceName, now: Clock.monotonic)
    }

    /// - Parameter now: monotonic nanoseconds.
    func admit(agentName: RawSpan, serviceName: RawSpan, now: Int64) throws(IntakeError) {
        guard case .anonymous(let rules, let bucket) = rule else {
            throw Self.unauthorized("API key not permitted to write events (privilege event:write)")
        }
        guard rules.allows(service: serviceName) else {
            throw Self.unauthorized(Self.notPermitted("service", serviceName))
        }
        guard rules.allows(agent: agentName) else {
            throw Self.unauthorized(Self.notPermitted("agent", agentName))
        }
        guard bucket.take(now: now, debtNanoseconds: Self.debtNanoseconds) else {
            throw Self.rateLimitExceeded
        }
    }

    /// Nanoseconds for which no more should be read of this client, which has used tokens in advance; 0 to go on.
    ///
    /// Who honours it slows the client down to its rate; who does not ends its stream with a 429 a second's worth of
    /// events later.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func pause(now: Int64) -> Int64 {
        guard case .anonymous(_, let bucket) = rule else { return 0 }
        let debt = bucket.debt(now: now)
        return debt < Self.smallDebtNanoseconds ? 0 : debt
    }

    private static func unauthorized(_ reason: String) -> IntakeError {
        IntakeError(status: 403, .unauthorized, prefix + "unauthorized: " + reason)
    }

    private static func notPermitted(_ what: String, _ name: RawSpan) -> String {
        "anonymous access not permitted for \(what) \"\(name.text(0..<name.byteCount))\""
    }
}
