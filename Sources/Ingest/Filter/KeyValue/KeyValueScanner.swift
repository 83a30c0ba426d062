import Common

/// Finds pairs such as `user=ann took="1 s"` in a text, one after the other.
struct KeyValueScanner {
    /// What stands between pairs, and between a key and its value.
    struct Separators: Sendable {
        /// Bytes any of which separates; the order does not matter.
        let fields: ByteSet
        let values: ByteSet
        /// Whether values in quotes or brackets are taken whole.
        let takesQuotes: Bool
        let takesBrackets: Bool
    }

    struct Pair: Equatable {
        let key: Range<Int>
        let value: Range<Int>
    }

    private let separators: Separators
    private let end: Int
    private var offset: Int
    /// What closes nothing from here on: it was looked for up to the end once, and is not again.
    private var missing = ByteSet()

    init(_ range: Range<Int>, _ separators: Separators) {
        self.separators = separators
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next pair; text without a value is passed over.
    ///
    /// - Returns: nil at the end.
    mutating func next(_ bytes: RawSpan) -> Pair? {
        while offset < end {
            while offset < end, separators.fields.contains(bytes[offset]) { offset += 1 }
            let start = offset
            while offset < end, !separators.values.contains(bytes[offset]),
                !separators.fields.contains(bytes[offset])
            {
                offset += 1
            }
            guard offset < end, separators.values.contains(bytes[offset]), offset > start else {
                // No value: a word of its own, or a separator without key.
                if offset == start { offset += 1 }
                continue
            }
            let key = start..<offset
            offset += 1
            return Pair(key: key, value: value(bytes))
        }
        return nil
    }

    private mutating func value(_ bytes: RawSpan) -> Range<Int> {
        if offset < end, let close = closing(bytes[offset]), !missing.contains(close) {
            if let last = lastByte(close, bytes) {
                defer { offset = last + 1 }
                return offset + 1..<last
            }
            missing.insert(close)
        }
        let start = offset
        while offset < end, !separators.fields.contains(bytes[offset]) { offset += 1 }
        return start..<offset
    }

    /// What closes a value that begins with `byte`; nil for a plain value.
    private func closing(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): separators.takesQuotes ? byte : nil
        case UInt8(ascii: "("): separators.takesBrackets ? UInt8(ascii: ")") : nil
        case UInt8(ascii: "["): separators.takesBrackets ? UInt8(ascii: "]") : nil
        case UInt8(ascii: "<"): separators.takesBrackets ? UInt8(ascii: ">") : nil
        default: nil
        }
    }

    /// Where the value closes: at a byte that is not escaped and that a separator or the end follows.
    private func lastByte(_ close: UInt8, _ bytes: RawSpan) -> Int? {
        var index = offset + 1
        while index < end {
            if bytes[index] == UInt8(ascii: "\\") {
                index += 2
                continue
            }
            if bytes[index] == close, index + 1 == end || separators.fields.contains(bytes[index + 1]) {
                return index
            }
            index += 1
        }
        return nil
    }
}
