/// Why a line, or the rest of a stream, is not taken; `message` is what the agent's own log will show.
struct IntakeError: Error, Equatable {
    /// 400 for bad input, 403, 429, 503.
    var status = 400
    var message: String
    /// For the counters.
    var reason: Reason

    enum Reason: String, CaseIterable, Sendable {
        case validation, decode, size, type, metadata, unauthorized, encoding, closing, other
        case rateLimit = "rate_limit"
        case queueFull = "queue_full"
    }

    init(status: Int = 400, _ reason: Reason, _ message: String) {
        self.status = status
        self.reason = reason
        self.message = message
    }
}

extension IntakeError {
    /// There is no place where events could be kept.
    static let queueFull = IntakeError(
        status: 503,
        .queueFull,
        "cannot handle stream: cannot process batch: queue is full"
    )
}
