import Common

/// Headers of requests, responses and messages.
///
/// Agents send names as they come and values as a string or a list; documents have names in canonical form
/// (`Content-Type`) and lists.
extension ByteBuffer {
    /// Appends headers as a member; nothing when there are none.
    ///
    /// - Returns: those that tell of the client.
    @discardableResult
    mutating func headers(
        _ key: StaticString,
        _ headers: FieldValue,
        _ line: RawSpan,
        _ keys: inout MemberKeys
    ) -> ClientHeaders {
        var client = ClientHeaders()
        guard headers.kind == .object else { return client }
        keys.removeAll()
        let object = openObject(key)
        var reader = ListReader(headers)
        while let (name, value) = reader.nextMember(line) {
            client.note(name, value, line)
            let mark = count
            separate()
            append(UInt8(ascii: "\""))
            let start = count
            append(line, name.range)
            if name.kind == .string { makeCanonical(from: start) }
            guard !line.isBlank(name.range), keys.insert(start..<count, in: self) else {
                truncate(to: mark)
                continue
            }
            append("\":" as StaticString)
            appendList(value, line)
        }
        closeObject(object)
        return client
    }

    private mutating func appendList(_ value: FieldValue, _ line: RawSpan) {
        if value.kind == .array {
            append(line, value.range)
        } else {
            append(UInt8(ascii: "["))
            if value.isGiven { append(value, line) }
            append(UInt8(ascii: "]"))
        }
    }

    /// Makes the first letter and those behind `-` upper case and the others lower case; names with bytes that no
    /// token has (RFC 9110, section 5.6.2) stay as they are.
    private mutating func makeCanonical(from start: Int) {
        withUnsafeMutableBytes { bytes in
            for index in start..<bytes.count where !bytes[index].isOfToken { return }
            var isFirst = true
            for index in start..<bytes.count {
                let byte = bytes[index]
                let isLetter = (byte | 0x20) &- UInt8(ascii: "a") < 26
                if isLetter { bytes[index] = isFirst ? byte & 0xDF : byte | 0x20 }
                isFirst = byte == UInt8(ascii: "-")
            }
        }
    }
}

extension UInt8 {
    /// A bit for each byte that a token may have, of those below and above 64.
    private static let tokenBits: (low: UInt64, high: UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)

    @inline(__always)
    fileprivate var isOfToken: Bool {
        let bits = self < 64 ? Self.tokenBits.low : Self.tokenBits.high
        return self < 128 && bits >> UInt64(self & 63) & 1 == 1
    }
}

/// The headers of a captured request that say who sent it.
struct ClientHeaders {
    private(set) var userAgent = FieldValue.absent
    private(set) var forwarded = FieldValue.absent
    private(set) var realIP = FieldValue.absent
    private(set) var forwardedFor = FieldValue.absent

    @inline(__always)
    fileprivate mutating func note(_ name: FieldValue, _ value: FieldValue, _ line: RawSpan) {
        switch name.range.count {
        case 9 where line.equals(ignoringCase: "forwarded", name.range): forwarded = value
        case 9 where line.equals(ignoringCase: "x-real-ip", name.range): realIP = value
        case 10 where line.equals(ignoringCase: "user-agent", name.range): userAgent = value
        case 15 where line.equals(ignoringCase: "x-forwarded-for", name.range): forwardedFor = value
        default: return
        }
    }
}

extension RawSpan {
    /// Whether the bytes of `range` are those of `text`, which is lower case, in either case.
    func equals(ignoringCase text: StaticString, _ range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count {
            let byte = self[range.lowerBound + offset]
            let isUpper = byte &- UInt8(ascii: "A") < 26
            guard (isUpper ? byte | 0x20 : byte) == text.utf8Start[offset] else { return false }
        }
        return true
    }
}
