import Common

/// Short cuts for what nearly all text of agents looks like: no white space but one blank, strings of plain ASCII.
///
/// Each answers nil, with the reader unmoved, when the text is anything else; the full grammar is for that.
extension JSONReader {
    /// The next step inside an object.
    enum PlainStep {
        /// The key, and where it starts.
        case key(KeyWords, Int)
        case end
    }

    /// `, "key": ` with a key of up to 15 bytes, or the end of the object.
    ///
    /// Looks 32 bytes ahead at most, which the line must have.
    @inline(__always)
    mutating func plainStep(_ line: RawSpan, isFirst: inout Bool) -> PlainStep? {
        var index = offset
        guard index + 32 <= line.byteCount else { return nil }
        if line.byte(index) == UInt8(ascii: "}") {
            offset = index + 1
            return .end
        }
        if !isFirst {
            guard line.byte(index) == UInt8(ascii: ",") else { return nil }
            index += 1
            if line.byte(index) == 0x20 { index += 1 }
        }
        guard line.byte(index) == UInt8(ascii: "\"") else { return nil }
        index += 1
        let start = index
        guard let words = KeyWords(line, at: index) else { return nil }
        index += words.length + 1
        guard line.byte(index) == UInt8(ascii: ":") else { return nil }
        index += line.byte(index + 1) == 0x20 ? 2 : 1
        offset = index
        isFirst = false
        return .key(words, start)
    }

    /// The range of a string without escapes and of ASCII only.
    @inline(__always)
    mutating func plainString(_ line: RawSpan) -> Range<Int>? {
        let start = offset + 1
        guard start < line.byteCount, line.byte(offset) == UInt8(ascii: "\"") else { return nil }
        let end = line.endOfPlainJSONText(from: start, to: line.byteCount)
        guard end < line.byteCount, line.byte(end) == UInt8(ascii: "\"") else { return nil }
        offset = end + 1
        return start..<end
    }

    /// The range of a number without exponent, and whether it is whole.
    @inline(__always)
    mutating func plainNumber(_ line: RawSpan) -> (range: Range<Int>, isWhole: Bool)? {
        let end = line.byteCount
        var index = offset
        guard index < end else { return nil }
        if line.byte(index) == UInt8(ascii: "-") { index += 1 }
        let whole = index
        while index < end, line.byte(index) &- 48 < 10 { index += 1 }
        guard index > whole, index < end, index == whole + 1 || line.byte(whole) != 48 else { return nil }
        var isWhole = true
        if line.byte(index) == UInt8(ascii: ".") {
            isWhole = false
            index += 1
            let fraction = index
            while index < end, line.byte(index) &- 48 < 10 { index += 1 }
            guard index > fraction, index < end else { return nil }
        }
        guard line.byte(index) | 0x20 != UInt8(ascii: "e") else { return nil }
        let range = offset..<index
        offset = index
        return (range, isWhole)
    }

    /// Whether another element of an array comes, with the offset at its first byte, or the array ends.
    @inline(__always)
    mutating func plainElement(_ line: RawSpan, isFirst: inout Bool) -> Bool? {
        guard offset + 2 < line.byteCount else { return nil }
        if line.byte(offset) == UInt8(ascii: "]") {
            offset += 1
            return false
        }
        guard isFirst || line.byte(offset) == UInt8(ascii: ",") else { return nil }
        if isFirst {
            isFirst = false
        } else {
            offset += line.byte(offset + 1) == 0x20 ? 2 : 1
        }
        return true
    }
}

extension KeyWords {
    /// The key of up to 15 plain bytes from `index` to its quote; 24 bytes must follow.
    @inline(__always)
    init?(_ line: RawSpan, at index: Int) {
        let first = line.word(index)
        let hits = first.bytesJSONTextCannotHold
        if hits != 0 {
            let bits = hits.trailingZeroBitCount & ~7
            length = bits >> 3
            head = first & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
            tail = 0
        } else {
            let hits = line.word(index + 8).bytesJSONTextCannotHold
            guard hits != 0 else { return nil }
            length = 8 + hits.trailingZeroBitCount >> 3
            head = first
            tail = length == 8 ? 0 : line.word(index + length - 8)
        }
        guard line.byte(index + length) == UInt8(ascii: "\"") else { return nil }
    }
}

extension RawSpan {
    /// The byte at an offset that was compared with the length before.
    @inline(__always)
    fileprivate func byte(_ offset: Int) -> UInt8 {
        unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes at an offset that was compared with the length before.
    @inline(__always)
    fileprivate func word(_ offset: Int) -> UInt64 {
        unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }
}
