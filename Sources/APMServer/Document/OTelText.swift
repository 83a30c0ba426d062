import Common

/// An event's line, and behind it the values that are composed from it.
///
/// Fields of the event stand where they stood, so values of both kinds are ranges of the one text.
struct OTelText: ~Copyable {
    /// A piece of a composed string.
    enum Part {
        case literal(StaticString)
        /// A string of the text.
        case value(FieldValue)
        case number(Int64)
        /// A part of the URL that was set last, as it is and with percent signs resolved.
        case url(Range<Int>)
        case decodedURL(Range<Int>)
    }

    private(set) var bytes = ByteBuffer(capacity: 8192)
    /// The URL's characters, without escapes of JSON.
    private var url = ByteBuffer(capacity: 1024)

    /// Starts anew with the line of an event.
    mutating func start(_ line: RawSpan) {
        bytes.removeAll()
        bytes.append(line)
    }

    /// Makes a string of its parts, cut to what documents hold.
    mutating func compose(_ parts: Part...) -> FieldValue {
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        for part in parts { append(part) }
        let end = bytes.withSpan { $0.endOfCharacters(TextLimit.keyword, start..<$0.byteCount) }
        bytes.truncate(to: end)
        bytes.append(UInt8(ascii: "\""))
        return string(start..<end)
    }

    /// A host and its port; the host alone for port 0.
    mutating func compose(host: FieldValue, port: Int64) -> FieldValue {
        port > 0 ? compose(.value(host), .literal(":"), .number(port)) : host
    }

    /// A host's name or address as URLs show it.
    mutating func bracketed(_ host: FieldValue) -> FieldValue {
        isIPv6(host) ? compose(.literal("["), .value(host), .literal("]")) : host
    }

    /// The value as a document holds it: a string cut to `TextLimit.keyword`.
    mutating func cut(_ value: FieldValue) -> FieldValue {
        guard value.isString else { return value }
        let end = bytes.withSpan { $0.endOfCharacters(TextLimit.keyword, value.range) }
        // A string is read with the quote behind it, so a shorter one needs its own.
        return end == value.range.upperBound ? value : compose(.value(string(value.range.lowerBound..<end)))
    }

    /// A number as a value.
    mutating func number(_ value: Int64) -> FieldValue {
        bytes.append(UInt8(ascii: " "))
        let start = bytes.count
        bytes.append(decimal: value)
        return FieldValue(.number, start..<bytes.count)
    }

    /// Copies the inside of a string of another line.
    mutating func copy(_ line: [UInt8], _ range: Range<Int>) -> FieldValue {
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        bytes.append(line.span.bytes, range)
        bytes.append(UInt8(ascii: "\""))
        return string(start..<bytes.count - 1)
    }

    /// A version of HTTP without the name that may stand before it.
    mutating func withoutProtocol(_ value: FieldValue) -> FieldValue {
        let name = value.range.lowerBound..<min(value.range.lowerBound + 5, value.range.upperBound)
        guard bytes.withSpan({ $0.equals("HTTP/", name) }) else { return value }
        return compose(.value(string(name.upperBound..<value.range.upperBound)))
    }

    /// A type up to its first point.
    func firstPart(of type: FieldValue) -> FieldValue {
        let point = bytes.withSpan { $0.firstIndex(of: UInt8(ascii: "."), in: type.range) }
        return point.map { string(type.range.lowerBound..<$0) } ?? type
    }

    /// Whether a string of the text is `text`.
    func isString(_ value: FieldValue, equalTo text: StaticString) -> Bool {
        bytes.withSpan { value.equals(text, $0) }
    }

    /// Whether a string could be a host's name or address, and not a URL or a pair of host and port.
    func isHost(_ value: FieldValue) -> Bool {
        guard value.hasText else { return false }
        return isIPv6(value)
            || bytes.withSpan { $0.firstIndex(of: UInt8(ascii: ":"), in: value.range) == nil }
    }

    /// Whether a string is an address whose parts are separated by colons.
    func isIPv6(_ value: FieldValue) -> Bool {
        bytes.withSpan { bytes in
            value.range.count(where: { bytes[$0] == UInt8(ascii: ":") }) > 1
                && value.range.allSatisfy {
                    Hexadecimal.value(bytes[$0]) != nil || bytes[$0] == UInt8(ascii: ":")
                        || bytes[$0] == UInt8(ascii: ".")
                }
        }
    }

    func integer(_ value: FieldValue) -> Int64? { bytes.withSpan { value.integer($0) } }

    // MARK: - The URL

    /// Takes a URL apart that is composed of parts; nil when it is none.
    mutating func setURL(_ parts: Part...) -> PageURL? {
        let mark = bytes.count
        for part in parts { append(part) }
        let text = string(mark..<bytes.count)
        url.removeAll()
        bytes.withSpan { url.append(unescaped: text, of: $0) }
        bytes.truncate(to: mark)
        return url.withSpan { PageURL($0) }
    }

    var urlByteCount: Int { url.count }

    /// The number that a part of the URL spells.
    func integer(ofURL range: Range<Int>) -> Int64? { url.withSpan { Decimal.integer($0, range) } }

    /// The port that a scheme means when a URL names none; 0 for schemes without one.
    func usualPort(of scheme: Range<Int>) -> Int64 {
        url.withSpan { $0.equals("http", scheme) ? 80 : $0.equals("https", scheme) ? 443 : 0 }
    }

    /// Writes the object of labels that `body` appends.
    mutating func labels(_ body: (inout ByteBuffer) -> Void) -> FieldValue {
        let start = bytes.count
        bytes.append(UInt8(ascii: "{"))
        body(&bytes)
        bytes.append(UInt8(ascii: "}"))
        return FieldValue(.object, start..<bytes.count)
    }

    private mutating func append(_ part: Part) {
        switch part {
        case .literal(let text): bytes.append(text)
        case .value(let value): bytes.appendCopy(of: value.range)
        case .number(let value): bytes.append(decimal: value)
        case .url(let range): url.withSpan { bytes.append(jsonEscaped: $0, range) }
        case .decodedURL(let range):
            var decoded = ByteBuffer(capacity: range.count)
            url.withSpan { decoded.append(percentDecoding: $0, range) }
            decoded.withSpan { bytes.append(jsonEscaped: $0, 0..<$0.byteCount) }
        }
    }

    private func string(_ range: Range<Int>) -> FieldValue {
        let hasEscapes = bytes.withSpan { $0.firstIndex(of: UInt8(ascii: "\\"), in: range) != nil }
        return FieldValue(hasEscapes ? .escapedString : .string, range)
    }
}
