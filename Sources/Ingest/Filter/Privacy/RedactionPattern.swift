import Common

/// Kinds of secrets that are known by their form.
///
/// Each is found by looking at every byte once or twice, whatever the text: there is no pattern that a sender could
/// make slow.
enum RedactionPattern: String, CaseIterable, Sendable {
    case email
    case ip
    /// 13 to 19 digits, blanks or hyphens between them, with a valid check digit.
    case creditCard = "credit_card"
    /// What stands behind `Bearer`.
    case bearerToken = "bearer_token"
    /// A JSON Web Token, RFC 7519.
    case jwt

    /// The first one in `text[start...]`.
    func next(in text: RawSpan, from start: Int) -> Range<Int>? {
        switch self {
        case .email: Self.email(text, start)
        case .ip: AddressScanner.next(in: text, from: start)?.range
        case .creditCard: CardNumber.next(in: text, from: start)
        case .bearerToken: Self.bearerToken(text, start)
        case .jwt: Self.jwt(text, start)
        }
    }

    // MARK: - Email

    /// 64 characters (RFC 5321, section 4.5.3.1.1), each perhaps percent-encoded.
    private static let maxLocalPartBytes = 192

    /// `user@example.com`, also with `%40` as URLs have it.
    private static func email(_ text: RawSpan, _ start: Int) -> Range<Int>? {
        var index = start
        while index < text.byteCount {
            let sign = text[index] == UInt8(ascii: "@") ? 1 : text.has("%40", at: index) ? 3 : 0
            guard sign > 0 else {
                index += 1
                continue
            }
            var first = index
            while first > start, index - first < maxLocalPartBytes, isLocalPart(text[first - 1]) {
                first -= 1
            }
            var end = index + sign
            while end < text.byteCount, isHost(text[end]) { end += 1 }
            while end > index + sign, !isAlphanumeric(text[end - 1]) { end -= 1 }
            if first < index, hasTopLevelDomain(text, index + sign..<end) { return first..<end }
            index += sign
        }
        return nil
    }

    private static func isLocalPart(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte >= 0x80 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "#")
            || byte == UInt8(ascii: "~") || byte == UInt8(ascii: "$")
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte >= 0x80 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    /// Whether a host ends in a point and two letters or more.
    private static func hasTopLevelDomain(_ text: RawSpan, _ host: Range<Int>) -> Bool {
        var letters = host.upperBound
        while letters > host.lowerBound, (text[letters - 1] | 0x20) &- 97 < 26 || text[letters - 1] >= 0x80 {
            letters -= 1
        }
        return host.upperBound - letters >= 2 && letters - 1 > host.lowerBound
            && text[letters - 1] == UInt8(ascii: ".")
    }

    // MARK: - Tokens

    /// Shorter words behind `Bearer` are prose.
    private static let minTokenBytes = 8

    private static func bearerToken(_ text: RawSpan, _ start: Int) -> Range<Int>? {
        var index = start
        while index + 7 < text.byteCount {
            guard text[index] | 0x20 == UInt8(ascii: "b"), isBearer(text, index) else {
                index += 1
                continue
            }
            var first = index + 6
            while first < text.byteCount, isBlank(text, first) {
                first += text[first] == UInt8(ascii: "%") ? 3 : 1
            }
            var end = first
            while end < text.byteCount, isTokenByte(text[end]) { end += 1 }
            if first > index + 6, end - first >= minTokenBytes { return first..<end }
            index = max(end, index + 6)
        }
        return nil
    }

    private static func isBearer(_ text: RawSpan, _ index: Int) -> Bool {
        let word: StaticString = "bearer"
        for offset in 1..<6 where text[index + offset] | 0x20 != word.utf8Start[offset] { return false }
        return true
    }

    /// A blank, or one as URLs have it.
    private static func isBlank(_ text: RawSpan, _ index: Int) -> Bool {
        text[index] == 0x20 || text[index] == UInt8(ascii: "+") || text.has("%20", at: index)
    }

    /// Source: RFC 6750, section 2.1 (b64token); `%` for its encoding in URLs.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isBase64URL(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "~")
            || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "%")
    }

    /// Three parts of base64url joined by points, the first beginning with `{"`.
    private static func jwt(_ text: RawSpan, _ start: Int) -> Range<Int>? {
        var index = start
        while index < text.byteCount {
            guard isBase64URL(text[index]) else {
                index += 1
                continue
            }
            let header = endOfBase64URL(text, index)
            if text.has("eyJ", at: index), header < text.byteCount, text[header] == UInt8(ascii: ".") {
                let claims = endOfBase64URL(text, header + 1)
                if claims > header + 1, claims < text.byteCount, text[claims] == UInt8(ascii: ".") {
                    return index..<endOfBase64URL(text, claims + 1)
                }
            }
            index = header
        }
        return nil
    }

    private static func endOfBase64URL(_ text: RawSpan, _ start: Int) -> Int {
        var end = start
        while end < text.byteCount, isBase64URL(text[end]) { end += 1 }
        return end
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 }
}
