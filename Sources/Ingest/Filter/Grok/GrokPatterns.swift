import Common

/// Patterns by name, and how they stand in each other.
struct GrokPatterns: Sendable {
    /// Patterns within patterns; those of this program go eight deep.
    private static let maxDepth = 50
    /// References that one pattern may come to, as in Logstash.
    private static let maxReferences = 10_000
    /// PCRE2's own limit of a compiled pattern is not much more.
    private static let maxBytes = 256 << 10
    /// Own patterns that one filter may have.
    static let maxDefinitions = 10_000

    private var definitions: [String: String]

    /// The patterns that are there without configuration.
    ///
    /// - Parameter isECS: whether those of whole lines give fields of ECS, or Logstash's old names.
    init(isECS: Bool) { definitions = isECS ? Self.ecs : Self.legacy }

    /// Defines a pattern, in place of one of that name.
    mutating func define(_ name: String, _ text: String) { definitions[name] = text }

    /// Whether `name` can stand in `%{name}`.
    static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }

    /// A pattern with every reference replaced by a group: `(?<field:type>…)` for `%{NAME:field:type}`, or `(?:…)`.
    ///
    /// - Parameter namesAll: whether `%{NAME}` is a field too.
    /// - Throws: when a name is unknown, or a pattern stands in itself.
    func expanded(_ pattern: String, namesAll: Bool = false) throws(PatternError) -> String {
        var expansion = Expansion(definitions: definitions, namesAll: namesAll)
        try expansion.append(Array(pattern.utf8), within: [])
        return String(decoding: expansion.output, as: UTF8.self)
    }

    private struct Expansion {
        let definitions: [String: String]
        let namesAll: Bool
        var output: [UInt8] = []
        var references = 0

        mutating func append(_ pattern: [UInt8], within names: [String]) throws(PatternError) {
            guard names.count <= GrokPatterns.maxDepth else {
                throw PatternError(reason: "\(names[0]) is nested too deeply")
            }
            var index = 0
            while index < pattern.count {
                if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count {
                    output += pattern[index...index + 1]
                    index += 2
                } else if pattern[index] == UInt8(ascii: "%"), index + 1 < pattern.count,
                    pattern[index + 1] == UInt8(ascii: "{")
                {
                    index = try reference(pattern, at: index + 2, within: names)
                } else {
                    output.append(pattern[index])
                    index += 1
                }
            }
            guard output.count <= GrokPatterns.maxBytes else {
                throw PatternError(reason: "comes to more than \(GrokPatterns.maxBytes) bytes")
            }
        }

        /// - Returns: where the pattern goes on.
        private mutating func reference(_ pattern: [UInt8], at start: Int, within names: [String])
            throws(PatternError) -> Int
        {
            references += 1
            guard references <= GrokPatterns.maxReferences else {
                throw PatternError(reason: "comes to more than \(GrokPatterns.maxReferences) references")
            }
            guard let end = Self.end(of: pattern, from: start) else {
                throw PatternError(reason: "\"%{\" is not closed by \"}\"; escape it as \\%\\{ to match it")
            }
            let content = pattern[start..<end]
            let equals = content.firstIndex(of: UInt8(ascii: "="))
            let head = String(decoding: content[..<(equals ?? end)], as: UTF8.self)
            let colon = head.firstIndex(of: ":")
            let name = String(head[..<(colon ?? head.endIndex)])
            let field = colon.map { String(head[head.index(after: $0)...]) }
            guard GrokPatterns.isName(name) else {
                throw PatternError(reason: "\"%{\(head)}\" is no reference; write %{NAME} or %{NAME:field}")
            }
            let text: [UInt8]
            if let equals {
                text = Array(content[(equals + 1)...])
            } else if let definition = definitions[name] {
                text = Array(definition.utf8)
            } else {
                let hint = Nearest.hint(for: name, among: Array(definitions.keys))
                throw PatternError(reason: "there is no pattern %{\(name)}\(hint)")
            }
            if let first = names.firstIndex(of: name) {
                let circle = (names[first...] + [name]).joined(separator: " → ")
                throw PatternError(reason: "a pattern stands in itself: \(circle)")
            }
            output += Array(
                (field ?? (namesAll && names.isEmpty ? name : nil)).map { "(?<\($0)>" }?.utf8 ?? "(?:".utf8
            )
            try append(text, within: names + [name])
            output.append(UInt8(ascii: ")"))
            return end + 1
        }

        /// The brace that closes a reference; a definition in it may have braces of its own.
        private static func end(of pattern: [UInt8], from start: Int) -> Int? {
            var depth = 0
            var index = start
            while index < pattern.count {
                switch pattern[index] {
                case UInt8(ascii: "\\"): index += 1
                case UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "}"):
                    if depth == 0 { return index }
                    depth -= 1
                default: break
                }
                index += 1
            }
            return nil
        }
    }
}
