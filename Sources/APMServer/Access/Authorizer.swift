import Common

/// Decides by the `Authorization` header who sends a request.
final class Authorizer: Sendable {
    enum Verdict: Equatable, Sendable {
        case granted(Identity)
        case denied(status: Int, message: String)
    }

    enum Decision {
        case known(Verdict)
        /// Elasticsearch is being asked.
        case pending(PendingVerdict)
    }

    /// A decision that another thread will make.
    struct PendingVerdict: Sendable {
        fileprivate let check: APIKeyCheck

        /// nil as long as it is not made.
        var verdict: Verdict? { check.verdict.map(Authorizer.verdict) }

        /// Has `wake` called once when it is made, on another thread or at once.
        func whenSettled(_ wake: @escaping @Sendable () -> Void) { check.whenSettled(wake) }
    }

    private static let expected =
        "expected 'Authorization: Bearer secret_token' or "
        + "'Authorization: ApiKey base64(API key ID:API key)'"

    private let token: SecretToken?
    private let apiKeys: APIKeys?
    private let allowsAnonymous: Bool

    /// - Parameters:
    ///   - token: nil for none.
    ///   - apiKeys: nil when API keys are not accepted.
    init(token: SecretToken?, apiKeys: APIKeys?, allowsAnonymous: Bool) {
        self.token = token
        self.apiKeys = apiKeys
        self.allowsAnonymous = allowsAnonymous
    }

    /// Whether credentials are needed at all.
    var isOpen: Bool { token == nil && apiKeys == nil }

    /// - Parameters:
    ///   - header: the value of `Authorization`; nil when there is none.
    ///   - now: monotonic nanoseconds.
    func decide(_ header: String?, now: Int64) -> Decision {
        if isOpen { return .known(.granted(.everything)) }
        // Without a blank there is no kind: as good as no header.
        guard let header, let blank = header.firstIndex(of: " ") else {
            if allowsAnonymous { return .known(.granted(.anonymous)) }
            let text = "missing or improperly formatted Authorization header: \(Self.expected)"
            return .known(Self.unauthorized(text))
        }
        let kind = header[..<blank]
        var value = header[blank...].drop { $0 == " " || $0 == "\t" }
        while value.last == " " || value.last == "\t" { value.removeLast() }
        switch kind {
        case "Bearer":
            if let token, token.equals(value) { return .known(.granted(.everything)) }
            return .known(Self.unauthorized(nil))
        case "ApiKey":
            guard let apiKeys else { return .known(Self.unauthorized(nil)) }
            switch apiKeys.lookUp(value, now: now) {
            case .known(let verdict): return .known(Self.verdict(verdict))
            case .pending(let check), .ask(let check):
                return .pending(PendingVerdict(check: check))
            case .full: return .known(Self.unavailable)
            }
        default:
            let text = "unknown Authentication header \(kind): \(Self.expected)"
            return .known(Self.unauthorized(text))
        }
    }

    private static func verdict(_ verdict: APIKeyCache.Verdict) -> Verdict {
        switch verdict {
        case .granted(let privileges): .granted(.apiKey(privileges))
        case .refused: unauthorized(nil)
        case .unavailable: unavailable
        }
    }

    private static let unavailable = Verdict.denied(status: 503, message: "service unavailable")

    /// Never given a credential: what is said of a wrong one is that it is wrong.
    private static func unauthorized(_ reason: String?) -> Verdict {
        let message = ["authentication failed", reason].compactMap { $0 }.joined(separator: ": ")
        return .denied(status: 401, message: message)
    }
}
