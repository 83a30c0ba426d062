import Common

/// What stands in place of a match: text with `\0` to `\9` and `\k<name>` for groups of the pattern.
struct ReplacementText: Equatable, Sendable {
    enum Part: Equatable, Sendable {
        case text([UInt8])
        case group(Int)
    }

    let parts: [Part]

    /// - Throws: which group the pattern does not have.
    init(_ text: String, for pattern: RegularExpression) throws(ReplacementTextError) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        func end() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
        }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.first else {
                literal.append(byte)
                continue
            }
            if next == UInt8(ascii: "\\") {
                literal.append(next)
                rest.removeFirst()
            } else if next &- UInt8(ascii: "0") < 10 {
                let number = Int(next &- UInt8(ascii: "0"))
                guard number <= pattern.captureCount else { throw ReplacementTextError(group: "\(number)") }
                end()
                parts.append(.group(number))
                rest.removeFirst()
            } else if rest.starts(with: Array("k<".utf8)), let close = rest.firstIndex(of: UInt8(ascii: ">"))
            {
                let name = String(decoding: rest[(rest.startIndex + 2)..<close], as: UTF8.self)
                guard let number = pattern.group(named: name) else { throw ReplacementTextError(group: name) }
                end()
                parts.append(.group(number))
                rest = rest[(close + 1)...]
            } else {
                literal.append(byte)
            }
        }
        end()
        self.parts = parts
    }

    /// Appends the text for a match; a group that took no part is nothing.
    func append(_ match: RegularExpressionMatch, of text: RawSpan, to output: inout ByteBuffer) {
        for part in parts {
            switch part {
            case .text(let bytes): output.append(bytes)
            case .group(let number): if let range = match[number] { output.append(text, range) }
            }
        }
    }
}

/// A reference to a group that the pattern does not have.
struct ReplacementTextError: Error, Equatable, CustomStringConvertible {
    let group: String
    var description: String { "the pattern has no group \(group)" }
}
