import Common

/// Reads lines of an intake stream into fields, by the rules of the intake specification.
///
/// One per worker; it keeps no line.
struct EventDecoder {
    /// Decodes and validates the metadata line.
    mutating func metadata(_ line: RawSpan, into fields: inout EventFields) throws(IntakeError) -> Dialect {
        throw IntakeError(.metadata, "not there yet")
    }

    /// Decodes and validates any other line.
    mutating func event(_ line: RawSpan, into fields: inout EventFields) throws(IntakeError) -> EventKind {
        throw IntakeError(.decode, "not there yet")
    }

    /// Decodes an object inside a line that was validated with it: an exception, a frame, a link and so on.
    ///
    /// - Parameter range: of the object, braces included.
    mutating func element(
        _ kind: ElementKind,
        _ dialect: Dialect,
        _ line: RawSpan,
        _ range: Range<Int>,
        into fields: inout EventFields
    ) {}
}

/// The objects that stand in lists, or alone below `error`.
enum ElementKind: UInt8, CaseIterable, Sendable {
    case exception, logRecord, frame, link, droppedSpanStatistics, sample
    /// RUM v3: inside a transaction.
    case nestedSpan, nestedMetricset
}
