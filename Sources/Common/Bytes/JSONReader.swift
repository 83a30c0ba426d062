/// Why bytes are not the JSON that was expected, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unexpectedEnd = "text ends inside a value"
        case unexpectedByte = "unexpected byte"
        case tooDeep = "nested too deeply"
        case illFormedUTF8 = "not valid UTF-8"
        case badEscape = "bad escape in a string"
        case badNumber = "bad number"
    }
    package let reason: Reason
    /// Byte offset into the text.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue) at byte \(offset)" }
}

/// A strict pull reader of JSON bytes (RFC 8259): it holds an offset, the bytes are an argument.
///
/// Values are answered as ranges into the text and nothing is allocated. Strings are checked to be well-formed
/// UTF-8 with valid escapes, so a range can be copied into other JSON as it is.
package struct JSONReader {
    package enum Kind: Equatable, Sendable { case object, array, string, number, bool, null }

    /// A string inside the text: the bytes between its quotes.
    package struct Text: Equatable, Sendable {
        package let range: Range<Int>
        /// Whether the bytes differ from the value, because at least one is escaped.
        package let hasEscapes: Bool

        package init(range: Range<Int>, hasEscapes: Bool) {
            self.range = range
            self.hasEscapes = hasEscapes
        }

        /// The range with both quotes.
        package var quoted: Range<Int> { range.lowerBound - 1..<range.upperBound + 1 }
    }

    /// Nesting above this is refused: no log event or agent payload comes near, and recursion stays shallow.
    package static let maxDepth = 64

    /// Next byte to read.
    package var offset: Int
    /// Whether a string had half of a surrogate pair: the grammar allows it, but it names no character, and others
    /// refuse such text.
    ///
    /// `ByteBuffer.append(repairingSurrogates:)` makes it good.
    package private(set) var hasLoneSurrogate = false

    package init(offset: Int = 0) { self.offset = offset }

    /// What value comes next; the offset moves to its first byte.
    package mutating func kind(_ bytes: RawSpan) throws(JSONError) -> Kind {
        switch try nextByte(bytes) {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), 48...57: return .number
        default: throw JSONError(.unexpectedByte, at: offset)
        }
    }

    /// Steps into an object.
    ///
    /// Call `nextKey` until it answers nil.
    package mutating func beginObject(_ bytes: RawSpan) throws(JSONError) {
        try expect(UInt8(ascii: "{"), bytes)
    }

    /// The next key of the object entered by `beginObject`, with the offset left before its value;
    /// nil at the end of the object.
    ///
    /// - Parameter isFirst: state of the caller: true for the first call, set to false by this function.
    package mutating func nextKey(_ bytes: RawSpan, isFirst: inout Bool) throws(JSONError) -> Text? {
        guard try nextElement(bytes, close: UInt8(ascii: "}"), isFirst: &isFirst) else { return nil }
        let key = try string(bytes)
        try expect(UInt8(ascii: ":"), bytes)
        return key
    }

    /// Steps into an array.
    ///
    /// Call `nextElement` until it answers false.
    package mutating func beginArray(_ bytes: RawSpan) throws(JSONError) {
        try expect(UInt8(ascii: "["), bytes)
    }

    /// Whether another element of the array entered by `beginArray` follows.
    package mutating func nextElement(_ bytes: RawSpan, isFirst: inout Bool) throws(JSONError) -> Bool {
        try nextElement(bytes, close: UInt8(ascii: "]"), isFirst: &isFirst)
    }

    /// Reads a string; its bytes are checked, escapes included.
    @inlinable @inline(__always)
    package mutating func string(_ bytes: RawSpan) throws(JSONError) -> Text {
        try expect(UInt8(ascii: "\""), bytes)
        let start = offset
        var hasEscapes = false
        let end = bytes.byteCount
        while true {
            offset = bytes.endOfPlainJSONText(from: offset, to: end)
            guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                let range = start..<offset
                offset += 1
                return Text(range: range, hasEscapes: hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try skipEscape(bytes)
            } else if byte >= 0x80 {
                let length = bytes.lengthOfUTF8Scalar(at: offset, end: end)
                guard length > 0 else { throw JSONError(.illFormedUTF8, at: offset) }
                offset += length
            } else {
                throw JSONError(.unexpectedByte, at: offset)
            }
        }
    }

    /// Reads any value and answers its range, checked to be valid JSON.
    package mutating func value(_ bytes: RawSpan, depth: Int = 0) throws(JSONError) -> Range<Int> {
        guard depth < Self.maxDepth else { throw JSONError(.tooDeep, at: offset) }
        let kind = try kind(bytes)
        let start = offset
        var isFirst = true
        switch kind {
        case .string: _ = try string(bytes)
        case .object:
            try beginObject(bytes)
            while try nextKey(bytes, isFirst: &isFirst) != nil { _ = try value(bytes, depth: depth + 1) }
        case .array:
            try beginArray(bytes)
            while try nextElement(bytes, isFirst: &isFirst) { _ = try value(bytes, depth: depth + 1) }
        case .bool:
            try word(bytes[offset] == UInt8(ascii: "t") ? "true" : "false", bytes)
        case .null: try word("null", bytes)
        case .number: try number(bytes)
        }
        return start..<offset
    }

    /// Checks that nothing but white space follows.
    package mutating func end(_ bytes: RawSpan) throws(JSONError) {
        skipSpace(bytes)
        guard offset == bytes.byteCount else { throw JSONError(.unexpectedByte, at: offset) }
    }

    // MARK: - Grammar

    private mutating func nextElement(
        _ bytes: RawSpan,
        close: UInt8,
        isFirst: inout Bool
    ) throws(JSONError) -> Bool {
        let byte = try nextByte(bytes)
        if byte == close {
            offset += 1
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        try expect(UInt8(ascii: ","), bytes)
        return true
    }

    /// Number grammar of RFC 8259, section 6.
    private mutating func number(_ bytes: RawSpan) throws(JSONError) {
        let end = bytes.byteCount
        func digits(_ reader: inout JSONReader) -> Int {
            let start = reader.offset
            while reader.offset < end, bytes[reader.offset] &- 48 < 10 { reader.offset += 1 }
            return reader.offset - start
        }
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let whole = offset
        let count = digits(&self)
        guard count > 0, count == 1 || bytes[whole] != 48 else { throw JSONError(.badNumber, at: offset) }
        if offset < end, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            guard digits(&self) > 0 else { throw JSONError(.badNumber, at: offset) }
        }
        if offset < end, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < end, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            guard digits(&self) > 0 else { throw JSONError(.badNumber, at: offset) }
        }
    }

    private mutating func skipEscape(_ bytes: RawSpan) throws(JSONError) {
        guard offset + 1 < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
        switch bytes[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 2
        case UInt8(ascii: "u"):
            guard let unit = bytes.hexadecimalUnit(at: offset + 2) else {
                throw JSONError(.badEscape, at: offset)
            }
            if unit & 0xF800 == 0xD800 {
                if bytes.isSurrogatePair(at: offset) {
                    offset += 12
                    return
                }
                hasLoneSurrogate = true
            }
            offset += 6
        default: throw JSONError(.badEscape, at: offset)
        }
    }

    private mutating func word(_ text: StaticString, _ bytes: RawSpan) throws(JSONError) {
        let next = offset + text.utf8CodeUnitCount
        guard next <= bytes.byteCount, bytes.equals(text, offset..<next) else {
            throw JSONError(.unexpectedByte, at: offset)
        }
        offset = next
    }

    @inline(__always)
    private mutating func expect(_ byte: UInt8, _ bytes: RawSpan) throws(JSONError) {
        guard try nextByte(bytes) == byte else { throw JSONError(.unexpectedByte, at: offset) }
        offset += 1
    }

    @inline(__always)
    private mutating func nextByte(_ bytes: RawSpan) throws(JSONError) -> UInt8 {
        skipSpace(bytes)
        guard offset < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
        return bytes[offset]
    }

    @inline(__always)
    private mutating func skipSpace(_ bytes: RawSpan) {
        while offset < bytes.byteCount {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }
}

extension RawSpan {
    /// Whether `\ud83d\ude00` or another pair that makes one character stands at `offset`.
    fileprivate func isSurrogatePair(at offset: Int) -> Bool {
        guard offset + 12 <= byteCount, self[offset + 6] == UInt8(ascii: "\\"),
            self[offset + 7] == UInt8(ascii: "u"), let high = hexadecimalUnit(at: offset + 2),
            let low = hexadecimalUnit(at: offset + 8)
        else { return false }
        return high & 0xFC00 == 0xD800 && low & 0xFC00 == 0xDC00
    }

    /// The four hexadecimal digits at `offset` as one UTF-16 unit; nil when they are not there.
    package func hexadecimalUnit(at offset: Int) -> UInt16? {
        guard offset + 4 <= byteCount else { return nil }
        var unit: UInt16 = 0
        for index in offset..<offset + 4 {
            guard let digit = Hexadecimal.value(self[index]) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}

extension ByteBuffer {
    /// Appends the value of a string that `JSONReader` accepted, its escapes resolved.
    ///
    /// A lone surrogate (`\ud83d` without its pair) becomes U+FFFD.
    package mutating func append(unescaped text: JSONReader.Text, of bytes: RawSpan) {
        guard text.hasEscapes else {
            append(bytes, text.range)
            return
        }
        reserve(text.range.count)
        var index = text.range.lowerBound
        let end = text.range.upperBound
        while index < end {
            let stop = bytes.firstIndex(of: UInt8(ascii: "\\"), in: index..<end) ?? end
            append(bytes, index..<stop)
            guard stop < end else { return }
            index = appendEscaped(bytes, at: stop)
        }
    }

    /// Appends valid JSON with each half of a surrogate pair replaced by `\ufffd`, which is as long.
    package mutating func append(repairingSurrogates bytes: RawSpan) {
        var start = 0
        while let index = bytes.firstIndex(of: UInt8(ascii: "\\"), in: start..<bytes.byteCount) {
            append(bytes, start..<index)
            let isPair = bytes[index + 1] == UInt8(ascii: "u") && bytes.isSurrogatePair(at: index)
            let unit = bytes[index + 1] == UInt8(ascii: "u") ? bytes.hexadecimalUnit(at: index + 2) ?? 0 : 0
            let isLone = !isPair && unit & 0xF800 == 0xD800
            start = index + (isPair ? 12 : isLone ? 6 : 2)
            if isLone {
                append("\\ufffd" as StaticString)
            } else {
                append(bytes, index..<start)
            }
        }
        append(bytes, start..<bytes.byteCount)
    }

    /// Appends what the escape at `offset` stands for, and answers where the text goes on.
    private mutating func appendEscaped(_ bytes: RawSpan, at offset: Int) -> Int {
        switch bytes[offset + 1] {
        case UInt8(ascii: "b"): append(0x08 as UInt8)
        case UInt8(ascii: "f"): append(0x0C as UInt8)
        case UInt8(ascii: "n"): append(0x0A as UInt8)
        case UInt8(ascii: "r"): append(0x0D as UInt8)
        case UInt8(ascii: "t"): append(0x09 as UInt8)
        case UInt8(ascii: "u"):
            let unit = bytes.hexadecimalUnit(at: offset + 2) ?? 0xFFFD
            if unit & 0xFC00 == 0xD800, offset + 12 <= bytes.byteCount,
                bytes[offset + 6] == UInt8(ascii: "\\"),
                bytes[offset + 7] == UInt8(ascii: "u"), let low = bytes.hexadecimalUnit(at: offset + 8),
                low & 0xFC00 == 0xDC00
            {
                let high = UInt32(unit & 0x3FF) << 10
                append(scalar: 0x10000 + high + UInt32(low & 0x3FF))
                return offset + 12
            }
            append(scalar: unit & 0xF800 == 0xD800 ? 0xFFFD : UInt32(unit))
            return offset + 6
        case let other: append(other)
        }
        return offset + 2
    }

    /// Appends the UTF-8 of a code point that is not a surrogate.
    package mutating func append(scalar value: UInt32) {
        switch value {
        case 0..<0x80: append(UInt8(value))
        case 0x80..<0x800:
            append(UInt8(0xC0 | value >> 6))
            append(UInt8(0x80 | value & 0x3F))
        case 0x800..<0x10000:
            append(UInt8(0xE0 | value >> 12))
            append(UInt8(0x80 | value >> 6 & 0x3F))
            append(UInt8(0x80 | value & 0x3F))
        default:
            append(UInt8(0xF0 | value >> 18 & 0x07))
            append(UInt8(0x80 | value >> 12 & 0x3F))
            append(UInt8(0x80 | value >> 6 & 0x3F))
            append(UInt8(0x80 | value & 0x3F))
        }
    }
}
