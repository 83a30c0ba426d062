import Common

/// Finds the values of query parameters by their names, in URLs and in text that has URLs in it.
///
/// A name is compared without regard to case, and percent-decoded: `to%6ben` is `token`; of `user[password]` also the
/// inner name counts. URLs inside of parameters are searched too: there `=` is `%3D` and `&` is `%26`.
struct QueryParameters: Sendable {
    /// What a text is.
    enum Form: Sendable {
        /// Anything; a URL in it ends at a blank, a quote or an angle bracket.
        case text
        case url
        /// A query that was percent-decoded, so that an ampersand may be a part of a value.
        case decodedQuery
    }

    /// Names in logs are shorter.
    private static let maxNameBytes = 256

    /// In lower case.
    private let names: Set<[UInt8]>

    init(_ names: [String]) { self.names = Set(names.map { Array($0.lowercased().utf8) }) }

    var isEmpty: Bool { names.isEmpty }

    /// The first value in `text[start...]`; values that are empty are passed over.
    func next(in text: RawSpan, from start: Int, _ form: Form) -> Range<Int>? {
        var index = start
        while index < text.byteCount {
            let isEncoded = text.has("%3D", at: index) || text.has("%3d", at: index)
            guard isEncoded || text[index] == UInt8(ascii: "=") else {
                index += 1
                continue
            }
            let first = index + (isEncoded ? 3 : 1)
            if isName(text, startOfName(text, end: index, floor: start)..<index) {
                let end = endOfValue(text, first, form, isEncoded: isEncoded)
                if end > first { return first..<end }
            }
            index = first
        }
        return nil
    }

    private func startOfName(_ text: RawSpan, end: Int, floor: Int) -> Int {
        var index = end
        while index > floor, end - index < Self.maxNameBytes {
            let byte = text[index - 1]
            if Self.endsName(byte) { return index }
            // `%26` and its kin, of which the second digit has just been passed.
            if byte == UInt8(ascii: "%"), index + 1 < end, let high = Hexadecimal.value(text[index]),
                let low = Hexadecimal.value(text[index + 1]), Self.endsName(high << 4 | low)
            {
                return index + 2
            }
            index -= 1
        }
        return index
    }

    private static func endsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "?"), UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "#"), UInt8(ascii: "/"),
            UInt8(ascii: "="), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: "|"):
            true
        default: byte <= 0x20
        }
    }

    private func isName(_ text: RawSpan, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        var name: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            var byte = text[index]
            if byte == UInt8(ascii: "%"), index + 2 < range.upperBound,
                let high = Hexadecimal.value(text[index + 1]), let low = Hexadecimal.value(text[index + 2])
            {
                byte = high << 4 | low
                index += 2
            }
            name.append(byte &- 65 < 26 ? byte | 0x20 : byte)
            index += 1
        }
        if names.contains(name) { return true }
        guard name.last == UInt8(ascii: "]"), let open = name.lastIndex(of: UInt8(ascii: "[")) else {
            return false
        }
        return names.contains(Array(name[(open + 1)..<(name.count - 1)]))
    }

    private func endOfValue(_ text: RawSpan, _ start: Int, _ form: Form, isEncoded: Bool) -> Int {
        var end = start
        while end < text.byteCount {
            switch text[end] {
            case UInt8(ascii: "&"):
                guard form == .decodedQuery, isPartOfValue(text, end + 1) else { return end }
            case UInt8(ascii: "#"): return end
            case UInt8(ascii: "%") where isEncoded && (text.has("%26", at: end) || text.has("%23", at: end)):
                return end
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"): if form == .text { return end }
            case 0...0x20: if form == .text { return end }
            default: break
            }
            end += 1
        }
        return end
    }

    /// Whether what follows an ampersand has no name: it was a part of the value, until the query was decoded.
    private func isPartOfValue(_ text: RawSpan, _ start: Int) -> Bool {
        for index in start..<text.byteCount {
            if text[index] == UInt8(ascii: "=") { return false }
            if text[index] == UInt8(ascii: "&") || text[index] == UInt8(ascii: "#") { break }
        }
        return start < text.byteCount
    }
}
