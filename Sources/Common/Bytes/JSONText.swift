/// Writing JSON strings: escapes and repairs on the way.
///
/// The result is always valid JSON in valid UTF-8, whatever the input: `"`, `\` and control bytes are escaped,
/// and each byte that is not part of well-formed UTF-8 becomes one U+FFFD (the rule of Go, and so of Beats).
extension ByteBuffer {
    /// Appends `bytes[range]` as the inside of a JSON string, without quotes.
    package mutating func append(jsonEscaped bytes: RawSpan, _ range: Range<Int>) {
        var index = range.lowerBound
        let end = range.upperBound
        while true {
            // Eight bytes are copied at a time, also behind the end of what is plain: the next run overwrites them.
            append(reserving: end - index + 8) { free in
                bytes.copyPlainJSONText(from: &index, to: end, into: free)
            }
            guard index < end else { return }
            let byte = bytes[index]
            if byte < 0x80 {
                appendEscape(byte)
                index += 1
                continue
            }
            let length = bytes.lengthOfUTF8Scalar(at: index, end: end)
            if length > 0 {
                append(bytes, index..<index + length)
                index += length
            } else {
                append("\u{FFFD}" as StaticString)
                index += 1
            }
        }
    }

    /// Appends `text` as a JSON string with its quotes.
    package mutating func append(jsonString text: String) {
        append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            append(jsonEscaped: bytes.bytes, 0..<bytes.count)
        }
        append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        default:
            append("u00" as StaticString)
            append(Hexadecimal.lowerCase(byte >> 4))
            append(Hexadecimal.lowerCase(byte & 15))
        }
    }
}

/// Digits of base 16.
package enum Hexadecimal {
    /// The digit for a value from 0 to 15.
    @inlinable @inline(__always)
    package static func lowerCase(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 48 : value &+ 87 }

    /// The value of a digit in either case; nil for any other byte.
    @inlinable @inline(__always)
    package static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit &- 48
        case 65...70: digit &- 55
        case 97...102: digit &- 87
        default: nil
        }
    }
}

extension ByteBuffer {
    /// Appends the sixteen digits of a number, in lower case.
    package mutating func append(hexadecimal value: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            append(Hexadecimal.lowerCase(UInt8(truncatingIfNeeded: value >> shift) & 15))
        }
    }
}

extension RawSpan {
    /// Copies text up to the first byte that JSON text cannot hold as it is, or that is not ASCII.
    ///
    /// - Parameters:
    ///   - index: where to start; moves to that byte, or to `end`.
    ///   - free: has room for eight bytes more than the text.
    /// - Returns: the number of bytes that count.
    @inline(__always)
    fileprivate func copyPlainJSONText(
        from index: inout Int,
        to end: Int,
        into free: UnsafeMutableRawBufferPointer
    ) -> Int {
        let start = index
        while index + 8 <= end {
            let word = unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            free.storeBytes(of: word, toByteOffset: index - start, as: UInt64.self)
            let hits = word.bytesJSONTextCannotHold
            if hits != 0 {
                index += hits.trailingZeroBitCount >> 3
                return index - start
            }
            index += 8
        }
        if index < end, end - start >= 8 {
            // The last eight bytes, of which those before `index` are known to be plain.
            let last = end - 8
            let word = unsafeLoadUnaligned(fromByteOffset: last, as: UInt64.self)
            free.storeBytes(of: word, toByteOffset: last - start, as: UInt64.self)
            let hits = word.bytesJSONTextCannotHold
            index = hits == 0 ? end : last + hits.trailingZeroBitCount >> 3
            return index - start
        }
        while index < end {
            let byte = self[index]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            free[index - start] = byte
            index += 1
        }
        return index - start
    }

    /// The first offset from `start` that JSON text cannot hold as it is, or that is not ASCII; `end` if none.
    ///
    /// Looks at eight bytes at a time: quote, backslash, below 0x20, above 0x7F.
    @inlinable @inline(__always)
    package func endOfPlainJSONText(from start: Int, to end: Int) -> Int {
        var index = start
        while index + 8 <= end {
            let word = unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let hits = word.bytesJSONTextCannotHold
            if hits != 0 { return index + hits.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < end {
            let byte = self[index]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return index }
            index += 1
        }
        return end
    }

    /// Length of the well-formed UTF-8 sequence at `offset` (2 to 4); 1 for ASCII; 0 when it is ill-formed.
    ///
    /// Source: Unicode 15, table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF).
    package func lengthOfUTF8Scalar(at offset: Int, end: Int) -> Int {
        let first = self[offset]
        func continues(_ distance: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
            offset + distance < end && self[offset + distance] >= low && self[offset + distance] <= high
        }
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80, 0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80, 0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }
}

extension UInt64 {
    /// The top bit of the lowest of eight bytes that is a quote, a backslash, below 0x20 or above 0x7F.
    ///
    /// Bits above the lowest one set mean nothing. Source: Anderson, "Bit Twiddling Hacks", bytes less than n.
    @inlinable @inline(__always)
    package var bytesJSONTextCannotHold: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quote = self ^ (ones &* 0x22)
        let backslash = self ^ (ones &* 0x5C)
        let quoteHit = (quote &- ones) & ~quote
        let backslashHit = (backslash &- ones) & ~backslash
        let controlHit = (self &- (ones &* 0x20)) & ~self
        return (quoteHit | backslashHit | controlHit | self) & tops
    }
}
