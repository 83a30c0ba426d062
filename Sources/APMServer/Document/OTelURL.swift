import Common

/// Where the parts of a URL stand in its text; parts that are not there are empty.
///
/// Source: RFC 3986, section 3; host names are taken as they are.
struct OTelURL {
    private(set) var scheme = 0..<0
    /// Name or address, and the port if there is one.
    private(set) var host = 0..<0
    private(set) var hostname = 0..<0
    /// Digits.
    private(set) var port = 0..<0
    private(set) var path = 0..<0
    private(set) var query = 0..<0
    private(set) var fragment = 0..<0

    init(_ text: RawSpan) {
        var start = 0
        var end = text.byteCount
        if let hash = text.firstIndex(of: UInt8(ascii: "#"), in: 0..<end) {
            fragment = hash + 1..<end
            end = hash
        }
        if let mark = text.firstIndex(of: UInt8(ascii: "?"), in: 0..<end) {
            query = mark + 1..<end
            end = mark
        }
        if let colon = Self.endOfScheme(text, end) {
            scheme = 0..<colon
            start = colon + 1
        }
        if end - start >= 2, text[start] == UInt8(ascii: "/"), text[start + 1] == UInt8(ascii: "/") {
            let slash = text.firstIndex(of: UInt8(ascii: "/"), in: start + 2..<end) ?? end
            setHost(start + 2..<slash, text)
            start = slash
        }
        path = start..<end
    }

    private static func endOfScheme(_ text: RawSpan, _ end: Int) -> Int? {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":"), in: 0..<end), colon > 0 else { return nil }
        for index in 0..<colon {
            let byte = text[index]
            let isLetter = byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            let isOther = byte &- 48 < 10 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            guard isLetter || (index > 0 && (isOther || byte == UInt8(ascii: "."))) else { return nil }
        }
        return colon
    }

    private mutating func setHost(_ authority: Range<Int>, _ text: RawSpan) {
        var start = authority.lowerBound
        while let sign = text.firstIndex(of: UInt8(ascii: "@"), in: start..<authority.upperBound) {
            start = sign + 1
        }
        host = start..<authority.upperBound
        hostname = host
        var colon = host.upperBound
        while colon > host.lowerBound, text[colon - 1] &- 48 < 10 { colon -= 1 }
        if colon > host.lowerBound, text[colon - 1] == UInt8(ascii: ":") {
            port = colon..<host.upperBound
            hostname = host.lowerBound..<colon - 1
        }
        if hostname.count >= 2, text[hostname.lowerBound] == UInt8(ascii: "["),
            text[hostname.upperBound - 1] == UInt8(ascii: "]")
        {
            hostname = hostname.lowerBound + 1..<hostname.upperBound - 1
        }
    }
}

extension ByteBuffer {
    /// Appends a part of a URL as text of JSON, with `%2F` and its like resolved.
    mutating func append(percentDecoded bytes: RawSpan, _ range: Range<Int>) {
        guard bytes.firstIndex(of: UInt8(ascii: "%"), in: range) != nil else {
            return append(jsonEscaped: bytes, range)
        }
        var decoded = ByteBuffer(capacity: range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < range.upperBound,
                let high = Hexadecimal.value(bytes[index + 1]), let low = Hexadecimal.value(bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        decoded.withSpan { append(jsonEscaped: $0, 0..<$0.byteCount) }
    }
}
