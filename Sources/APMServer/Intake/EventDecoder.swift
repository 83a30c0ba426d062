import Common

/// Reads lines of an intake stream into fields, by the rules of the intake specification.
///
/// It keeps no line. Messages are those that agents know from Elastic's APM Server; of the text
/// behind `decode error: data read error:` only the first part is.
struct EventDecoder {
    private let schema = CompiledSchema.shared
    private var parser = LineParser(CompiledSchema.shared)

    /// Whether the last line that was decoded has half of a surrogate pair in an escape.
    ///
    /// Elasticsearch refuses such text. `ByteBuffer.append(repairingSurrogates:)` copies a line with U+FFFD in its
    /// place; lengths do not change, so fields that were decoded fit the copy too.
    private(set) var hasLoneSurrogate = false

    /// Decodes and validates the metadata line.
    ///
    /// - Returns: how it is spelled; the lines that follow may be spelled otherwise.
    @discardableResult
    mutating func metadata(_ line: RawSpan, into fields: inout EventFields) throws(IntakeError) -> Dialect {
        let type = Self.type(of: line)
        for root in schema.metadata where line.equals(root.name, type) {
            try decode(root.object, line, into: &fields)
            return root.dialect
        }
        throw IntakeError(.metadata, "\"metadata\" or \"m\" required")
    }

    /// Decodes and validates any other line.
    mutating func event(_ line: RawSpan, into fields: inout EventFields) throws(IntakeError) -> EventKind {
        let type = Self.type(of: line)
        for root in schema.events where line.equals(root.name, type) {
            try decode(root.object, line, into: &fields)
            return root.kind
        }
        throw IntakeError(.type, "did not recognize object type: \"\(line.text(type))\"")
    }

    /// Decodes an object inside a line that was validated with it: an exception, a frame, a link and so on.
    ///
    /// Anything but an object of a kind that the dialect has leaves `fields` without values.
    ///
    /// - Parameter range: of the object, braces included.
    mutating func element(
        _ kind: ElementKind,
        _ dialect: Dialect,
        _ line: RawSpan,
        _ range: Range<Int>,
        into fields: inout EventFields
    ) {
        fields.removeAll()
        guard let object = schema.element(kind, dialect), range.count > 1,
            line[range.lowerBound] == UInt8(ascii: "{")
        else { return }
        parser.begin(at: range.lowerBound, isTrusted: true)
        do throws(JSONError) {
            try fields.withValues { (values) throws(JSONError) in
                _ = try parser.object(object, line, values, depth: 0)
            }
        } catch {
            // Cannot be, unless the element was decoded as another kind. What was read so far stands.
            assertionFailure("EventDecoder: an element of a decoded line does not decode: \(error)")
        }
    }

    private mutating func decode(
        _ object: Int,
        _ line: RawSpan,
        into fields: inout EventFields
    ) throws(IntakeError) {
        fields.removeAll()
        parser.begin(at: 0, isTrusted: false)
        hasLoneSurrogate = false
        var isGiven = false
        do throws(JSONError) {
            try fields.withValues { (values) throws(JSONError) in
                isGiven = try parser.object(object, line, values, depth: 0)
            }
        } catch {
            throw IntakeError(.decode, "decode error: data read error: \(parser.description(of: error))")
        }
        hasLoneSurrogate = parser.reader.hasLoneSurrogate
        guard !isGiven || parser.isInvalid else { return }
        let violation = ViolationFinder(schema).violation(object, line)
        if let violation { throw IntakeError(.validation, "validation error: \(violation)") }
    }

    /// The text between the first quote, double or single, and its match; empty when there is none.
    private static func type(of line: RawSpan) -> Range<Int> {
        for index in 0..<line.byteCount {
            let quote = line[index]
            guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { continue }
            let start = index + 1
            let end = line.firstIndex(of: quote, in: start..<line.byteCount)
            return start..<(end ?? start)
        }
        return 0..<0
    }
}

/// The objects that stand in lists, or alone below `error`.
enum ElementKind: UInt8, CaseIterable, Sendable {
    case exception, logRecord, frame, link, droppedSpanStatistics, sample
    /// RUM v3: inside a transaction.
    case nestedSpan, nestedMetricset
}
