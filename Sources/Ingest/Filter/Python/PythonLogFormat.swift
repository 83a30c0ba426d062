import Common

/// The format of a Python logger (`logging.Formatter`), compiled once: `%(asctime)s [%(levelname)s] %(name)s: %(message)s`, or
/// with braces: `{levelname} {asctime} {module} {message}`.
struct PythonLogFormat: Sendable {
    /// What an attribute of a record means.
    enum Attribute: Equatable, Sendable {
        case time, level, logger, message
        /// Digits.
        case number(ECSField)
        /// Up to the literal behind it.
        case text(ECSField)
        /// Digits, or text, that no field needs.
        case ignored
        /// One that the program added: text below `labels`, by its own name.
        case other(String)
    }

    struct Step: Sendable {
        let attribute: Attribute
        /// Whether blanks may stand around the value, which has a width.
        let isPadded: Bool
        /// What stands behind it.
        let literal: [UInt8]
    }

    /// More attributes than this are refused: a record has some twenty.
    static let maxSteps = 64

    let source: String
    let opening: [UInt8]
    let steps: [Step]

    /// Fields of attributes that ECS does not have.
    var otherFields: [String] {
        steps.compactMap { if case .other(let name) = $0.attribute { "labels.\(name)" } else { nil } }
    }

    init(_ source: String) throws(PythonFormatError) {
        self.source = source
        var reader = Reader(bytes: Array(source.utf8))
        var opening: [UInt8] = []
        var found: [(name: String, isPadded: Bool, literal: [UInt8])] = []
        while let token = try reader.next() {
            switch token {
            case .byte(let byte):
                if found.isEmpty { opening.append(byte) } else { found[found.count - 1].literal.append(byte) }
            case .attribute(let name, let isPadded): found.append((name, isPadded, []))
            }
        }
        guard found.contains(where: { $0.name == "message" }) else {
            throw PythonFormatError(offset: 0, problem: .noMessage)
        }
        guard found.count <= Self.maxSteps else { throw PythonFormatError(offset: 0, problem: .tooMany) }
        for (index, attribute) in found.enumerated()
        where attribute.literal.isEmpty && index + 1 < found.count && !attribute.isPadded {
            throw PythonFormatError(offset: 0, problem: .nothingBetween)
        }
        let hasName = found.contains { $0.name == "name" }
        self.opening = opening
        steps = found.map { name, isPadded, literal in
            Step(attribute: Self.attribute(name, hasName: hasName), isPadded: isPadded, literal: literal)
        }
    }

    private static func attribute(_ name: String, hasName: Bool) -> Attribute {
        switch name {
        case "asctime", "server_time": .time
        case "levelname": .level
        case "name": .logger
        // Flask's format has no name of a logger, and the module is the next best.
        case "module": hasName ? .ignored : .logger
        case "message": .message
        case "process": .number(.processPID)
        case "thread": .number(.processThreadID)
        case "lineno": .number(.logOriginFileLine)
        case "processName": .text(.processName)
        case "threadName": .text(.processThreadName)
        case "filename", "pathname": .text(.logOriginFileName)
        case "funcName": .text(.logOriginFunction)
        case "levelno", "created", "msecs", "relativeCreated", "taskName": .ignored
        case "request_id", "correlation_id": .text(.httpRequestID)
        case "trace_id", "otelTraceID", "elasticapm_trace_id": .text(.traceID)
        case "transaction_id", "elasticapm_transaction_id": .text(.transactionID)
        case "span_id", "otelSpanID", "elasticapm_span_id": .text(.spanID)
        // A dot would make an object, where another attribute may have its value.
        default: .other(name.replacing(".", with: "_"))
        }
    }
}

/// What is wrong with the text of a logger's format, and where.
struct PythonFormatError: Error, Equatable, CustomStringConvertible {
    enum Problem: String, Sendable {
        case noMessage = "the format has no message; add %(message)s"
        case badAttribute = "% begins no attribute; write %(name)s, or %% for a percent sign"
        case badBrace = "{ begins no attribute; write {name}, or {{ for a brace"
        case nothingBetween = "nothing separates two attributes"
        case tooMany = "too many attributes"
    }
    /// Byte offset into the format.
    let offset: Int
    let problem: Problem

    var description: String { "log_format: \(problem.rawValue), at byte \(offset)" }
}

/// Splits a format at its attributes, in the style of `%` or of braces, whichever it uses.
private struct Reader {
    enum Token {
        case byte(UInt8)
        case attribute(String, isPadded: Bool)
    }

    private let bytes: [UInt8]
    private let hasBraces: Bool
    private var index = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
        hasBraces = !String(decoding: bytes, as: UTF8.self).contains("%(")
    }

    mutating func next() throws(PythonFormatError) -> Token? {
        guard index < bytes.count else { return nil }
        let byte = bytes[index]
        let start = index
        index += 1
        if byte == UInt8(ascii: "%"), !hasBraces {
            if take(UInt8(ascii: "%")) { return .byte(byte) }
            guard take(UInt8(ascii: "(")), let close = end(UInt8(ascii: ")")),
                let kind = endOfSpecifier(close + 1)
            else { throw PythonFormatError(offset: start, problem: .badAttribute) }
            let name = String(decoding: bytes[start + 2..<close], as: UTF8.self)
            let isPadded = kind > close + 1 && bytes[close + 1] != UInt8(ascii: ".")
            index = kind + 1
            return .attribute(name, isPadded: isPadded)
        }
        guard hasBraces, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") else { return .byte(byte) }
        if take(byte) { return .byte(byte) }
        guard byte == UInt8(ascii: "{"), let close = end(UInt8(ascii: "}")) else {
            throw PythonFormatError(offset: start, problem: .badBrace)
        }
        let parts = bytes[start + 1..<close].split(
            separator: UInt8(ascii: ":"),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        index = close + 1
        guard let name = parts.first, !name.isEmpty else {
            throw PythonFormatError(offset: start, problem: .badBrace)
        }
        let isPadded = parts.count == 2 && parts[1].contains { $0 &- 49 < 9 }
        return .attribute(String(decoding: name, as: UTF8.self), isPadded: isPadded)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private func end(_ byte: UInt8) -> Int? { bytes[index...].firstIndex(of: byte) }

    /// The letter behind flags, width and precision of `%(name)-8s`.
    private func endOfSpecifier(_ start: Int) -> Int? {
        var end = start
        while end < bytes.count, bytes[end] &- 48 < 10 || [0x2D, 0x2B, 0x20, 0x23, 0x2E].contains(bytes[end])
        {
            end += 1
        }
        guard end < bytes.count, (bytes[end] | 0x20) &- 97 < 26 else { return nil }
        return end
    }
}
