import Common

/// A cursor over JSON that was checked before, in the line it is a part of.
///
/// It holds offsets only, the line is an argument. It never leaves its range, and never fails.
struct CheckedJSON {
    /// Next byte to read.
    private(set) var offset: Int
    let end: Int

    /// - Parameter range: of one value.
    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The first byte of the value that follows; nil at the end.
    mutating func peek(_ line: RawSpan) -> UInt8? {
        skipSpace(line)
        return offset < end ? line[offset] : nil
    }

    /// Steps into an object or array; call `nextElement` until it answers false.
    mutating func begin() { offset = min(offset + 1, end) }

    /// Whether another element of the array, or key of the object, follows.
    ///
    /// Stands before it then, else behind the end of the array or object.
    mutating func nextElement(_ line: RawSpan) -> Bool {
        skipSpace(line)
        if offset < end, line[offset] == UInt8(ascii: ",") {
            offset += 1
            skipSpace(line)
        }
        guard offset < end else { return false }
        guard line[offset] | 0x20 == UInt8(ascii: "}") else { return true }
        offset += 1
        return false
    }

    /// Reads a key and the colon behind it.
    mutating func key(_ line: RawSpan) -> JSONReader.Text {
        let key = string(line)
        skipSpace(line)
        offset = min(offset + 1, end)
        return key
    }

    /// Reads a string.
    mutating func string(_ line: RawSpan) -> JSONReader.Text {
        var hasEscapes = false
        offset = min(offset + 1, end)
        let start = offset
        while offset < end {
            offset = line.endOfPlainJSONText(from: offset, to: end)
            guard offset < end, line[offset] != UInt8(ascii: "\"") else { break }
            let isEscape = line[offset] == UInt8(ascii: "\\")
            hasEscapes = hasEscapes || isEscape
            offset = min(offset + (isEscape ? 2 : 1), end)
        }
        let text = JSONReader.Text(range: start..<offset, hasEscapes: hasEscapes)
        offset = min(offset + 1, end)
        return text
    }

    /// Moves behind a number or a word, and answers its range.
    mutating func word(_ line: RawSpan) -> Range<Int> {
        let start = offset
        while offset < end {
            switch line[offset] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0A, 0x0D:
                return start..<offset
            default: offset += 1
            }
        }
        return start..<offset
    }

    /// Moves behind any value, and answers what and where it is.
    mutating func value(_ line: RawSpan) -> FieldValue {
        guard let first = peek(line) else { return .absent }
        switch first {
        case UInt8(ascii: "\""): return FieldValue(string(line))
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let start = offset
            skipNested(line)
            return FieldValue(first == UInt8(ascii: "{") ? .object : .array, start..<offset)
        case UInt8(ascii: "t"): return FieldValue(.true, word(line))
        case UInt8(ascii: "f"): return FieldValue(.false, word(line))
        case UInt8(ascii: "n"):
            _ = word(line)
            return .absent
        default: return FieldValue(.number, word(line))
        }
    }

    /// Moves behind the object or array at the offset.
    private mutating func skipNested(_ line: RawSpan) {
        var depth = 0
        while offset < end {
            switch line[offset] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                offset += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                offset += 1
                if depth == 0 { return }
            case UInt8(ascii: "\""): _ = string(line)
            default: offset += 1
            }
        }
    }

    private mutating func skipSpace(_ line: RawSpan) {
        while offset < end {
            let byte = line[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }
}
