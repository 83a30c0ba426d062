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
