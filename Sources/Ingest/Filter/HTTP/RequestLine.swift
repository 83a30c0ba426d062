import Common

/// The parts of a logged request line such as `GET /a?b=c HTTP/1.1`, as ranges.
///
/// What clients send may be anything, so every part but the target is optional.
struct RequestLine: Equatable {
    let method: Range<Int>?
    /// Never empty, and never lost: of text that is no request line, all of it.
    let target: Range<Int>
    /// Whether `target` is what stands between method and version, and so worth taking apart.
    let isWellFormed: Bool
    /// The text after `HTTP/`.
    let version: Range<Int>?

    /// - Returns: nil for empty text, as nginx writes for a connection without a request.
    init?(_ bytes: RawSpan, _ range: Range<Int>) {
        guard !range.isEmpty else { return nil }
        guard let space = bytes.firstIndex(of: 0x20, in: range), space > range.lowerBound,
            bytes.isToken(range.lowerBound..<space)
        else {
            self.init(all: range)
            return
        }
        let rest = space + 1..<range.upperBound
        let version = Self.version(bytes, rest)
        let target = rest.lowerBound..<(version.map { $0.lowerBound - 6 } ?? rest.upperBound)
        // Without a version it is HTTP/0.9, or no HTTP at all: only what looks like a path is believed.
        let isBelieved = version != nil || (!target.isEmpty && bytes[target.lowerBound] == UInt8(ascii: "/"))
        guard isBelieved, !target.isEmpty else {
            self.init(all: range)
            return
        }
        self.init(method: range.lowerBound..<space, target: target, isWellFormed: true, version: version)
    }

    private init(all range: Range<Int>) {
        self.init(method: nil, target: range, isWellFormed: false, version: nil)
    }

    private init(method: Range<Int>?, target: Range<Int>, isWellFormed: Bool, version: Range<Int>?) {
        self.method = method
        self.target = target
        self.isWellFormed = isWellFormed
        self.version = version
    }

    /// The digits of ` HTTP/1.1` at the end of `range`.
    ///
    /// Blanks before it belong to the target, as in `/sp ace`.
    private static func version(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int>? {
        var start = range.upperBound
        while start > range.lowerBound, range.upperBound - start < 8,
            bytes[start - 1] &- 48 < 10 || bytes[start - 1] == UInt8(ascii: ".")
        {
            start -= 1
        }
        guard start < range.upperBound, start - 6 >= range.lowerBound, bytes.has(" HTTP/", at: start - 6)
        else {
            return nil
        }
        return start..<range.upperBound
    }
}

extension RawSpan {
    /// Whether all bytes may stand in a method.
    ///
    /// Source: RFC 9110, section 5.6.2.
    fileprivate func isToken(_ range: Range<Int>) -> Bool {
        for index in range {
            let byte = self[index]
            if (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 { continue }
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "!"), UInt8(ascii: "#"),
                UInt8(ascii: "$"),
                UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
                UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
                continue
            default: return false
            }
        }
        return true
    }
}
