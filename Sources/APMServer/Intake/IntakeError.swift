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

/// What a line is, by its root key.
enum EventKind: UInt8, CaseIterable, Sendable {
    case transaction, span, error, metricset, log
    /// RUM v3: a transaction with its spans and metricsets inside; an error.
    case rumTransaction, rumError

    /// In which the elements of the event's lists are spelled.
    var dialect: Dialect { self == .rumTransaction || self == .rumError ? .v3 : .v2 }
}

/// The two spellings of the same fields.
enum Dialect: UInt8, Sendable { case v2, v3 }
