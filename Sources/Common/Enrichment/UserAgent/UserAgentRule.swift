/// One rule of uap-core: an expression, and what each field of the answer is made of when it matches.
struct UserAgentRule: Sendable {
    let expression: RegularExpression
    /// Texts that replace group 1, 2, …, in the order of the answer's fields; nil takes the group itself.
    let templates: [UserAgentTemplate]

    /// The value of field `index` (0 is the family) after a match.
    func value(_ index: Int, of bytes: RawSpan, _ match: RegularExpressionMatch) -> [UInt8]? {
        templates[index].value(of: bytes, match)
    }
}

/// How one field is made from a match.
enum UserAgentTemplate: Equatable, Sendable {
    /// Not known, whatever matched.
    case nothing
    case group(Int)
    /// Text without references.
    case text([UInt8])
    /// Text in which `$1` to `$9` stand for groups.
    case pattern([UInt8])

    /// A replacement of the rules file.
    init(_ text: String) {
        let bytes = Array(text.utf8)
        let hasReference = zip(bytes, bytes.dropFirst()).contains {
            $0 == UInt8(ascii: "$") && (49...57).contains($1)
        }
        self = hasReference ? .pattern(bytes) : .text(bytes)
    }

    /// The text with its groups, without blanks at the ends; nil when nothing is left.
    func value(of bytes: RawSpan, _ match: RegularExpressionMatch) -> [UInt8]? {
        switch self {
        case .nothing: return nil
        case .group(let group): return match[group].flatMap { Self.trimmed(bytes.bytes($0)) }
        case .text(let text): return Self.trimmed(text)
        case .pattern(let pattern):
            var text: [UInt8] = []
            var index = 0
            while index < pattern.count {
                let byte = pattern[index]
                index += 1
                if byte == UInt8(ascii: "$"), index < pattern.count, (49...57).contains(pattern[index]) {
                    if let range = match[Int(pattern[index] - 48)] { text += bytes.bytes(range) }
                    index += 1
                } else {
                    text.append(byte)
                }
            }
            return Self.trimmed(text)
        }
    }

    private static func trimmed(_ text: [UInt8]) -> [UInt8]? {
        func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }
        guard let start = text.firstIndex(where: { !isBlank($0) }) else { return nil }
        guard let last = text.lastIndex(where: { !isBlank($0) }) else { return nil }
        return start == 0 && last == text.count - 1 ? text : Array(text[start...last])
    }
}

extension RawSpan {
    /// A copy of the bytes of `range`.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        withUnsafeBytes { Array(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}
