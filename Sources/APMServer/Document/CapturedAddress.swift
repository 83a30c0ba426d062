import Common

/// The address of a client as a captured request tells it.
struct CapturedAddress: ~Copyable {
    private(set) var address: IPAddress?
    private var ip = ByteBuffer(capacity: 64)
    private var port = 0
    private var plain = ByteBuffer(capacity: 256)

    var isKnown: Bool { address != nil }

    /// Takes the address that a socket has, with or without a port.
    mutating func read(socket value: FieldValue, _ line: RawSpan) {
        address = nil
        _ = take(value, line) { text, whole in NetworkAddress(text, whole) }
    }

    /// Takes the first valid address of `Forwarded`, `X-Real-IP` and `X-Forwarded-For`.
    mutating func read(_ headers: ClientHeaders, _ line: RawSpan) {
        address = nil
        if take(headers.forwarded, line, { $0.forwardedAddress($1) }) { return }
        if take(headers.realIP, line, { NetworkAddress($0, $1) }) { return }
        _ = take(headers.forwardedFor, line) { text, whole in
            NetworkAddress(text, text.firstPart(of: whole, until: UInt8(ascii: ",")))
        }
    }

    /// - Parameter value: a string, or the strings of a header that came several times, of which the first counts.
    private mutating func take(
        _ value: FieldValue,
        _ line: RawSpan,
        _ find: (RawSpan, Range<Int>) -> NetworkAddress?
    ) -> Bool {
        var value = value
        if value.kind == .array {
            var list = ListReader(value)
            value = list.next(line) ?? .absent
        }
        switch value.kind {
        case .string:
            guard let found = find(line, value.range) else { return false }
            take(found)
            ip.append(ip: found.ip, of: line)
            return true
        case .escapedString:
            plain.removeAll()
            plain.append(unescaped: value, of: line)
            guard let found = plain.withSpan({ find($0, 0..<$0.byteCount) }) else { return false }
            take(found)
            plain.withSpan { ip.append(ip: found.ip, of: $0) }
            return true
        default: return false
        }
    }

    /// Takes all but the text.
    private mutating func take(_ found: NetworkAddress) {
        address = found.address
        port = found.port
        ip.removeAll()
    }

    /// Appends `"ip":…` and, if known and wanted, `"port":…`.
    borrowing func append(to buffer: inout ByteBuffer, withPort: Bool = true) {
        buffer.key(#""ip":""#)
        buffer.append(ip)
        buffer.append(UInt8(ascii: "\""))
        if withPort, port != 0 { buffer.member(#""port":"#, Int64(port)) }
    }
}

extension RawSpan {
    /// The address in `for=192.0.2.60;proto=http;by=203.0.113.43, …`: of the first element only.
    ///
    /// Source: RFC 7239, section 4; a value with colons or brackets is quoted.
    func forwardedAddress(_ range: Range<Int>) -> NetworkAddress? {
        let element = firstPart(of: range, until: UInt8(ascii: ","))
        var start = element.lowerBound
        while start < element.upperBound {
            let pair = firstPart(of: start..<element.upperBound, until: UInt8(ascii: ";"))
            start = pair.upperBound + 1
            let name = trimmed(firstPart(of: pair, until: UInt8(ascii: "=")))
            guard equals(ignoringCase: "for", name) else { continue }
            let equalSign = firstIndex(of: UInt8(ascii: "="), in: pair) ?? pair.upperBound
            var value = trimmed(min(equalSign + 1, pair.upperBound)..<pair.upperBound)
            if value.count >= 2, self[value.lowerBound] == UInt8(ascii: "\""),
                self[value.upperBound - 1] == UInt8(ascii: "\"")
            {
                value = value.lowerBound + 1..<value.upperBound - 1
            }
            return NetworkAddress(self, value)
        }
        return nil
    }

    /// `range` up to the first `separator` in it.
    func firstPart(of range: Range<Int>, until separator: UInt8) -> Range<Int> {
        range.lowerBound..<(firstIndex(of: separator, in: range) ?? range.upperBound)
    }
}
