import Common

/// Walks the elements of a list, or the members of an object, that a field holds.
///
/// The line was decoded, so its JSON is known to be good: nothing is checked again but the ends of the line.
struct ListReader {
    private var offset: Int
    private let end: Int

    /// - Parameter value: an array or an object; of anything else there are no elements.
    init(_ value: FieldValue) {
        let isList = value.kind == .object || value.kind == .array
        offset = Int(value.start) + 1
        end = isList ? Int(value.end) - 1 : 0
    }

    /// The next element of an array; nil at its end.
    ///
    /// One that is null comes as an absent value.
    @inline(__always)
    mutating func next(_ line: RawSpan) -> FieldValue? {
        guard line.skipSeparators(&offset, to: end) else { return nil }
        return line.checkedValue(&offset)
    }

    /// The next member of an object; nil at its end.
    ///
    /// A value that is null comes as an absent one.
    @inline(__always)
    mutating func nextMember(_ line: RawSpan) -> (key: FieldValue, value: FieldValue)? {
        guard line.skipSeparators(&offset, to: end) else { return nil }
        let key = line.checkedValue(&offset)
        guard line.skipSeparators(&offset, to: end) else { return nil }
        return (key, line.checkedValue(&offset))
    }
}

extension RawSpan {
    /// Moves to the next value; whether there is one before `end`.
    @inline(__always)
    fileprivate func skipSeparators(_ offset: inout Int, to end: Int) -> Bool {
        while offset < end {
            let byte = self[offset]
            guard byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ":") else { return true }
            offset += 1
        }
        return false
    }

    /// The value at `offset`, whose JSON is known to be good; the offset moves behind it.
    func checkedValue(_ offset: inout Int) -> FieldValue {
        let start = offset
        switch self[start] {
        case UInt8(ascii: "\""):
            let hasEscapes = skipCheckedString(&offset)
            return FieldValue(hasEscapes ? .escapedString : .string, start + 1..<max(offset - 1, start + 1))
        case UInt8(ascii: "{"):
            skipCheckedContainer(&offset)
            return FieldValue(.object, start..<offset)
        case UInt8(ascii: "["):
            skipCheckedContainer(&offset)
            return FieldValue(.array, start..<offset)
        case let first:
            while offset < byteCount, !self[offset].endsPlainValue { offset += 1 }
            switch first {
            case UInt8(ascii: "t"): return FieldValue(.true, start..<offset)
            case UInt8(ascii: "f"): return FieldValue(.false, start..<offset)
            case UInt8(ascii: "n"): return .absent
            default: return FieldValue(.number, start..<offset)
            }
        }
    }

    /// Moves behind the object or array at `offset`.
    private func skipCheckedContainer(_ offset: inout Int) {
        var depth = 0
        while offset < byteCount {
            switch self[offset] {
            case UInt8(ascii: "\""):
                _ = skipCheckedString(&offset)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            offset += 1
            if depth == 0 { return }
        }
    }

    /// Moves behind the string at `offset`; whether it has escapes.
    @inline(__always)
    private func skipCheckedString(_ offset: inout Int) -> Bool {
        var hasEscapes = false
        offset += 1
        while offset < byteCount {
            offset = endOfPlainJSONText(from: offset, to: byteCount)
            guard offset < byteCount else { break }
            switch self[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                offset += 2
            default: offset += 1
            }
        }
        return hasEscapes
    }
}

extension UInt8 {
    /// Whether a number or a word ends before this byte.
    @inline(__always)
    fileprivate var endsPlainValue: Bool {
        self == UInt8(ascii: ",") || self == UInt8(ascii: "}") || self == UInt8(ascii: "]") || self <= 0x20
    }
}

extension FieldValue {
    @inline(__always)
    init(_ kind: Kind, _ range: Range<Int>) {
        self.init(
            kind: kind,
            start: UInt32(truncatingIfNeeded: range.lowerBound),
            end: UInt32(truncatingIfNeeded: range.upperBound)
        )
    }

    @inline(__always)
    init(_ text: JSONReader.Text) {
        self.init(text.hasEscapes ? .escapedString : .string, text.range)
    }
}
