import Common

/// The format of an access log, compiled once into literals and variables.
///
/// The text is the one of nginx.conf: `$name` and `${name}` stand for variables, everything else for itself.
/// `NginxScanner` cuts lines by it. Formats of gunicorn and Apache come as `LogFormatParts` and work the same.
struct NginxLogFormat: Sendable {
    /// How nginx escaped the variables of the line.
    enum Escape: String, CaseIterable, Sendable {
        /// `\xHH` for quotes, backslashes, control bytes and everything above 0x7E; a missing value is `-`.
        case `default`
        /// As in JSON strings; a missing value is empty.
        case json
        /// Not at all; a missing value is empty.
        case none
        /// `\"` for quotes, nothing else; a missing value is `-`: gunicorn.
        case quotes

        /// Those of nginx, which are the ones to choose from.
        static let allCases: [Escape] = [.default, .json, .none]

        /// Whether `-` stands for a missing value, so that an empty one is there.
        var marksMissing: Bool { self == .default || self == .quotes }
    }

    /// A variable and the literal text behind it.
    ///
    /// Plain numbers, since it is read for each value of each line.
    struct Step: Sendable {
        let variable: NginxVariable
        /// How the end of the value is found.
        let shape: NginxVariable.Shape
        /// Range of `text`; may be empty at the end of the format, and before a variable with `lead`.
        let literal: Range<Int>
        /// The first byte of the next variable's value when no literal stands between, such as `/` of `$request_uri`.
        let lead: UInt8?
    }

    /// The format of nginx itself that is used when none is named.
    static let combined =
        #"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#
    /// The format in the nginx.conf that nginx.org and the distributions ship.
    static let main = combined + #" "$http_x_forwarded_for""#

    /// More variables than this are refused: nginx has some 150 of them, and a scan keeps one range for each.
    static let maxVariables = 128

    let steps: [Step]
    /// The name of each step's variable.
    let names: [String]
    let escape: Escape
    /// The object for variables without a field of their own.
    let object: String
    /// Literal text before the first variable.
    let opening: Range<Int>
    /// All literals.
    let text: [UInt8]

    /// Compiles the text of a `log_format`.
    ///
    /// - Parameter special: variables that mean something else than elsewhere, by name.
    init(
        _ source: String,
        escape: Escape = .default,
        special: [String: NginxVariable] = [:]
    ) throws(NginxFormatError) {
        let parts = try NginxFormatReader.read(source, special: special)
        try self.init(parts, escape: escape, object: "nginx.access")
    }

    /// Compiles a format that has been read.
    init(_ parts: LogFormatParts, escape: Escape, object: String) throws(NginxFormatError) {
        var text: [UInt8] = []
        func add(_ literal: [UInt8]) -> Range<Int> {
            text += literal
            return text.count - literal.count..<text.count
        }
        opening = add(parts.opening)
        let variables = parts.variables
        guard !variables.isEmpty else { throw NginxFormatError(offset: 0, problem: .noVariable) }
        guard variables.count <= Self.maxVariables else {
            throw NginxFormatError(offset: variables[Self.maxVariables].offset, problem: .tooManyVariables)
        }
        var steps: [Step] = []
        for (index, part) in variables.enumerated() {
            let variable = part.variable
            // In quotes the closing quote ends a value, whatever it holds, because nginx escapes quotes inside.
            let isQuoted = escape != .none && part.literal.first == UInt8(ascii: "\"")
            let shape = isQuoted ? .text : variable.shape
            var lead: UInt8?
            if shape == .text, part.literal.isEmpty, index + 1 < variables.count {
                let next = variables[index + 1]
                lead = try Self.lead(of: next.variable, after: variable, offset: next.offset)
            }
            steps.append(
                Step(
                    variable: variable,
                    shape: shape,
                    literal: add(part.literal),
                    lead: lead
                )
            )
        }
        self.steps = steps
        names = variables.map(\.name)
        self.escape = escape
        self.object = object
        self.text = text
    }

    /// How two variables without a literal between them come apart.
    private static func lead(
        of next: NginxVariable,
        after variable: NginxVariable,
        offset: Int
    ) throws(NginxFormatError) -> UInt8 {
        switch (variable, next) {
        case (_, .requestURI), (_, .path): return UInt8(ascii: "/")
        case (_, .isArguments): return UInt8(ascii: "?")
        // `$is_args` is one byte or nothing, so what follows it begins right behind.
        case (.isArguments, _): return 0
        default: throw NginxFormatError(offset: offset, problem: .nothingBetween)
        }
    }

    /// Fields of variables that have none in ECS.
    var otherFields: [String] {
        zip(steps, names).compactMap { step, name in
            step.variable == .other ? Self.field(of: name, in: object) : nil
        }
    }

    /// The field of a variable that has none in ECS.
    static func field(of variable: String, in object: String) -> String {
        // A dot would make an object, where another variable may have its value.
        let name = variable.replacing(".", with: "_")
        // These names are objects already.
        return name == "upstream" || name == "connection" ? "\(object).\(name)_value" : "\(object).\(name)"
    }
}

/// What is wrong with the text of a `log_format`, and where.
struct NginxFormatError: Error, Equatable, CustomStringConvertible {
    enum Problem: String, Sendable {
        case noName = "a variable needs a name after $"
        case noBrace = "${ without }"
        case noVariable = "no variable in the format"
        case nothingBetween = "nothing separates this variable from the one before"
        case unknownDirective = "% must begin a directive that is known, such as %h, %>s or %(h)s"
        case tooManyVariables = "too many variables"
    }
    /// Byte offset into the format.
    let offset: Int
    let problem: Problem

    var description: String { "log_format: \(problem.rawValue), at byte \(offset)" }
}

/// Splits the text of a `log_format` at its variables.
private struct NginxFormatReader {
    static func read(
        _ source: String,
        special: [String: NginxVariable]
    ) throws(NginxFormatError) -> LogFormatParts {
        let bytes = Array(source.utf8)
        var parts = LogFormatParts()
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                parts.add(bytes[index])
                index += 1
                continue
            }
            let start = index
            index += 1
            let hasBrace = index < bytes.count && bytes[index] == UInt8(ascii: "{")
            if hasBrace { index += 1 }
            let nameStart = index
            while index < bytes.count, isNameByte(bytes[index]) { index += 1 }
            guard index > nameStart else { throw NginxFormatError(offset: start, problem: .noName) }
            let name = String(decoding: bytes[nameStart..<index], as: UTF8.self)
            if hasBrace {
                guard index < bytes.count, bytes[index] == UInt8(ascii: "}") else {
                    throw NginxFormatError(offset: start, problem: .noBrace)
                }
                index += 1
            }
            parts.add(name, special[name] ?? NginxVariable(named: name), offset: start)
        }
        return parts
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte &- 48 < 10 || (byte | 0x20) &- 97 < 26
    }
}
