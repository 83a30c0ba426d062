import Common

/// The parts of a URL (RFC 3986) as ranges of its text.
///
///     scheme://user@hostname:port/path?query#fragment
struct PageURL {
    /// Without what separates them; empty where there is none.
    private(set) var scheme: Range<Int>
    /// User, host and port, between `//` and the path.
    private(set) var authority: Range<Int>
    /// Without brackets.
    private(set) var hostname: Range<Int>
    private(set) var port: Range<Int>
    private(set) var path: Range<Int>
    /// What stands for authority and path where neither begins with a slash: `blank` of `about:blank`.
    private(set) var opaque: Range<Int>
    private(set) var query: Range<Int>
    private(set) var fragment: Range<Int>

    /// - Returns: nil for text that is no URL: control bytes, a bad port, blanks in the host, `%` without digits.
    init?(_ text: RawSpan) {
        for index in 0..<text.byteCount where text[index] < 0x20 || text[index] == 0x7F { return nil }
        var rest = 0..<text.byteCount
        let hash = text.firstIndex(of: UInt8(ascii: "#"), in: rest)
        fragment = (hash.map { $0 + 1 } ?? rest.upperBound)..<rest.upperBound
        rest = rest.lowerBound..<(hash ?? rest.upperBound)
        guard let scheme = text.scheme(rest) else { return nil }
        self.scheme = scheme
        let start = scheme.isEmpty ? 0 : scheme.upperBound + 1
        let mark = text.firstIndex(of: UInt8(ascii: "?"), in: start..<rest.upperBound)
        query = (mark.map { $0 + 1 } ?? rest.upperBound)..<rest.upperBound
        rest = start..<(mark ?? rest.upperBound)
        authority = start..<start
        path = rest
        opaque = start..<start
        if !scheme.isEmpty, !rest.isEmpty, text[start] != UInt8(ascii: "/") {
            opaque = rest
            path = start..<start
        } else if text.equals("//", start..<min(start + 2, rest.upperBound)) {
            let slash = text.firstIndex(of: UInt8(ascii: "/"), in: start + 2..<rest.upperBound)
            authority = start + 2..<(slash ?? rest.upperBound)
            path = authority.upperBound..<rest.upperBound
        }
        guard let (hostname, port) = text.host(authority) else { return nil }
        (self.hostname, self.port) = (hostname, port)
        let hasSchemelessColon =
            scheme.isEmpty && authority.isEmpty
            && text.firstPart(of: path, until: UInt8(ascii: "/")).contains { text[$0] == UInt8(ascii: ":") }
        guard !hasSchemelessColon, text.isPercentEncoded(path), text.isPercentEncoded(fragment),
            text.isPercentEncodedHost(hostname)
        else { return nil }
    }
}

extension RawSpan {
    /// The scheme that `range` begins with; empty for none, nil for a colon with nothing before it.
    fileprivate func scheme(_ range: Range<Int>) -> Range<Int>? {
        for index in range {
            let byte = self[index]
            if (byte | 0x20) &- UInt8(ascii: "a") < 26 { continue }
            switch byte {
            case 48...57, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                if index == range.lowerBound { return 0..<0 }
            case UInt8(ascii: ":"): return index == range.lowerBound ? nil : range.lowerBound..<index
            default: return 0..<0
            }
        }
        return 0..<0
    }

    /// Host name and port of an authority; nil when it has none that could be.
    fileprivate func host(_ authority: Range<Int>) -> (hostname: Range<Int>, port: Range<Int>)? {
        var host = authority
        for index in authority where self[index] == UInt8(ascii: "@") {
            host = index + 1..<authority.upperBound
        }
        for index in authority {
            switch self[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"),
                UInt8(ascii: "}"), UInt8(ascii: "\\"):
                return nil
            default: continue
            }
        }
        var name = host
        var rest = host.upperBound..<host.upperBound
        if !host.isEmpty, self[host.lowerBound] == UInt8(ascii: "[") {
            guard let close = firstIndex(of: UInt8(ascii: "]"), in: host) else { return nil }
            name = host.lowerBound + 1..<close
            rest = close + 1..<host.upperBound
        } else if let colon = firstIndex(of: UInt8(ascii: ":"), in: host) {
            name = host.lowerBound..<colon
            rest = colon..<host.upperBound
        }
        guard !rest.isEmpty else { return (name, rest) }
        let port = rest.lowerBound + 1..<rest.upperBound
        guard self[rest.lowerBound] == UInt8(ascii: ":") else { return nil }
        for index in port where self[index] &- 48 >= 10 { return nil }
        return (name, port)
    }

    /// The same for a host, where only bytes beyond ASCII may be written so.
    fileprivate func isPercentEncodedHost(_ range: Range<Int>) -> Bool {
        guard isPercentEncoded(range) else { return false }
        for index in range where self[index] == UInt8(ascii: "%") {
            guard let high = Hexadecimal.value(self[index + 1]), high >= 8 else { return false }
        }
        return true
    }

    /// Whether two hexadecimal digits follow each `%`.
    fileprivate func isPercentEncoded(_ range: Range<Int>) -> Bool {
        for index in range where self[index] == UInt8(ascii: "%") {
            guard index + 2 < range.upperBound, Hexadecimal.value(self[index + 1]) != nil,
                Hexadecimal.value(self[index + 2]) != nil
            else { return false }
        }
        return true
    }

    /// Whether a path or fragment holds only bytes that a URL may show there.
    fileprivate func isValidEncoding(_ range: Range<Int>) -> Bool {
        for index in range {
            switch self[index] {
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"),
                UInt8(ascii: "}"), 0...0x20, 0x7F...:
                return false
            default: continue
            }
        }
        return true
    }
}

extension ByteBuffer {
    /// Appends `text[range]` with `%41` as `A`.
    mutating func append(percentDecoding text: RawSpan, _ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            if text[index] == UInt8(ascii: "%"), index + 2 < range.upperBound,
                let high = Hexadecimal.value(text[index + 1]), let low = Hexadecimal.value(text[index + 2])
            {
                append(high << 4 | low)
                index += 3
            } else {
                append(text[index])
                index += 1
            }
        }
    }

    /// Appends the scheme in lower case; `http` for none.
    mutating func append(schemeOf url: PageURL, _ text: RawSpan) {
        if url.scheme.isEmpty { append("http" as StaticString) }
        for index in url.scheme {
            let isUpper = text[index] &- UInt8(ascii: "A") < 26
            append(isUpper ? text[index] | 0x20 : text[index])
        }
    }

    /// Appends the whole URL, complete and with what may not stand in it encoded.
    mutating func append(fullOf url: PageURL, _ text: RawSpan) {
        append(schemeOf: url, text)
        append(UInt8(ascii: ":"))
        if !url.authority.isEmpty || !url.path.isEmpty { append("//" as StaticString) }
        append(text, url.opaque)
        append(text, url.authority)
        if !url.authority.isEmpty, !url.path.isEmpty, text[url.path.lowerBound] != UInt8(ascii: "/") {
            append(UInt8(ascii: "/"))
        }
        append(encoding: text, url.path)
        if !url.query.isEmpty {
            append(UInt8(ascii: "?"))
            append(text, url.query)
        }
        guard !url.fragment.isEmpty else { return }
        append(UInt8(ascii: "#"))
        append(encoding: text, url.fragment)
    }

    /// Appends a path or fragment: as it is when it is well encoded.
    private mutating func append(encoding text: RawSpan, _ range: Range<Int>) {
        guard !text.isValidEncoding(range) else {
            append(text, range)
            return
        }
        for index in range {
            let byte = text[index]
            switch byte {
            case 0x21, 0x23...0x3B, 0x3D, 0x3F...0x5B, 0x5D, 0x5F, 0x61...0x7A, 0x7E: append(byte)
            default:
                append(UInt8(ascii: "%"))
                append(Hexadecimal.upperCase(byte >> 4))
                append(Hexadecimal.upperCase(byte & 15))
            }
        }
    }
}

extension Hexadecimal {
    fileprivate static func upperCase(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 48 : value &+ 55 }
}
