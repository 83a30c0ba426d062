import Common

/// A request target or URL taken apart, as ranges into it, still percent-encoded.
///
/// It refuses nothing: what no grammar allows (`|`, blanks, `\xE9`, `%zz`) stays in the part where it stands, and a target that
/// begins with a slash is a path whatever follows (`//favicon.ico`). Source: RFC 9112, section 3.2.
struct URLParts: Equatable {
    var scheme: Range<Int>?
    var domain: Range<Int>?
    var port: Int64?
    var path: Range<Int>?
    var query: Range<Int>?
    var fragment: Range<Int>?

    /// - Parameter isAuthority: whether it is the target of CONNECT, which is a host and a port.
    init(_ bytes: RawSpan, _ range: Range<Int>, isAuthority: Bool = false) {
        if isAuthority {
            authority(bytes, range)
            return
        }
        var start = range.lowerBound
        if let end = Self.endOfScheme(bytes, range) {
            scheme = range.lowerBound..<end
            start = end + 3
            var stop = start
            while stop < range.upperBound, !Self.endsAuthority(bytes[stop]) { stop += 1 }
            authority(bytes, start..<stop)
            start = stop
        }
        var end = range.upperBound
        if let hash = bytes.firstIndex(of: UInt8(ascii: "#"), in: start..<end) {
            fragment = Self.unlessEmpty(hash + 1..<end)
            end = hash
        }
        if let mark = bytes.firstIndex(of: UInt8(ascii: "?"), in: start..<end) {
            query = Self.unlessEmpty(mark + 1..<end)
            end = mark
        }
        path = Self.unlessEmpty(start..<end)
    }

    /// `host`, `host:port`, `[::1]:port`, with a user name before it left out.
    private mutating func authority(_ bytes: RawSpan, _ range: Range<Int>) {
        var start = range.lowerBound
        for index in range where bytes[index] == UInt8(ascii: "@") { start = index + 1 }
        domain = Self.unlessEmpty(start..<range.upperBound)
        var colon = range.upperBound
        while colon > start, bytes[colon - 1] &- 48 < 10 { colon -= 1 }
        guard colon > start, bytes[colon - 1] == UInt8(ascii: ":") else { return }
        let isBracketed = colon - 2 >= start && bytes[colon - 2] == UInt8(ascii: "]")
        let first = bytes.firstIndex(of: UInt8(ascii: ":"), in: start..<range.upperBound)
        guard isBracketed || first == colon - 1 else { return }
        guard let number = Decimal.integer(bytes, colon..<range.upperBound), number <= 65535 else { return }
        port = number
        domain = Self.unlessEmpty(start..<colon - 1)
    }

    /// The end of `http` in `http://…`; nil when the text does not start like that.
    private static func endOfScheme(_ bytes: RawSpan, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty, (bytes[range.lowerBound] | 0x20) &- 97 < 26 else { return nil }
        var end = range.lowerBound
        while end < range.upperBound, isSchemeByte(bytes[end]) { end += 1 }
        return end + 3 <= range.upperBound && bytes.has("://", at: end) ? end : nil
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    private static func unlessEmpty(_ range: Range<Int>) -> Range<Int>? { range.isEmpty ? nil : range }
}

extension ByteBuffer {
    /// Appends `bytes[range]` with `%HH` resolved; a `%` without two hexadecimal digits stays.
    ///
    /// The result need not be UTF-8.
    mutating func append(percentDecoded bytes: RawSpan, _ range: Range<Int>) {
        reserve(range.count)
        var start = range.lowerBound
        while let percent = bytes.firstIndex(of: UInt8(ascii: "%"), in: start..<range.upperBound) {
            append(bytes, start..<percent)
            start = percent + 1
            if percent + 2 < range.upperBound, let high = Hexadecimal.value(bytes[percent + 1]),
                let low = Hexadecimal.value(bytes[percent + 2])
            {
                append(high << 4 | low)
                start = percent + 3
            } else {
                append(UInt8(ascii: "%"))
            }
        }
        append(bytes, start..<range.upperBound)
    }
}
