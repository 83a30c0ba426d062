import Common

/// English names in dates, long or short, in any case: logs have them whatever the language of their host is.
enum DateNames {
    private static let months: [[UInt8]] = names(
        "january february march april may june july august september october november december"
    )
    private static let days: [[UInt8]] = names("monday tuesday wednesday thursday friday saturday sunday")
    private static let zones: [(name: [UInt8], hours: Int)] = [
        ("utc", 0), ("gmt", 0), ("est", -5), ("edt", -4), ("cst", -6), ("cdt", -5), ("mst", -7), ("mdt", -6),
        ("pst", -8), ("pdt", -7), ("cest", 2), ("cet", 1), ("eest", 3), ("eet", 2), ("west", 1), ("wet", 0),
        ("msk", 3), ("jst", 9),
    ].map { (Array($0.0.utf8), $0.1) }

    private static func names(_ text: String) -> [[UInt8]] {
        text.utf8.split(separator: 0x20).map(Array.init)
    }

    /// A month from 1 on.
    static func month(_ offset: inout Int, _ end: Int, _ bytes: RawSpan) -> Int? {
        index(among: months, &offset, end, bytes).map { $0 + 1 }
    }

    /// A day from Monday, 1, on.
    static func day(_ offset: inout Int, _ end: Int, _ bytes: RawSpan) -> Int? {
        index(among: days, &offset, end, bytes).map { $0 + 1 }
    }

    /// `AM` or `PM`.
    static func isAfternoon(_ offset: inout Int, _ end: Int, _ bytes: RawSpan) -> Bool? {
        guard offset + 2 <= end, bytes[offset + 1] | 0x20 == UInt8(ascii: "m") else { return nil }
        let letter = bytes[offset] | 0x20
        guard letter == UInt8(ascii: "a") || letter == UInt8(ascii: "p") else { return nil }
        offset += 2
        return letter == UInt8(ascii: "p")
    }

    /// Seconds east of UTC of a zone's short name; only of those that mean one zone, or are in RFC 5322.
    static func zone(_ offset: inout Int, _ end: Int, _ bytes: RawSpan) -> Int? {
        let length = letters(from: offset, end, bytes)
        for (name, hours) in zones where name.count == length && starts(bytes, offset, with: name, length) {
            offset += length
            return hours * 3600
        }
        return nil
    }

    /// The name that stands at `offset`, whole or by its first three letters; `Sept` too, which many write.
    private static func index(among names: [[UInt8]], _ offset: inout Int, _ end: Int, _ bytes: RawSpan)
        -> Int?
    {
        let length = letters(from: offset, end, bytes)
        guard length >= 3 else { return nil }
        for (index, name) in names.enumerated() where starts(bytes, offset, with: name, 3) {
            if length >= name.count, starts(bytes, offset, with: name, name.count) {
                offset += name.count
            } else {
                let isSept = length == 4 && name.count == 9 && bytes[offset + 3] | 0x20 == UInt8(ascii: "t")
                offset += isSept ? 4 : 3
            }
            return index
        }
        return nil
    }

    private static func letters(from offset: Int, _ end: Int, _ bytes: RawSpan) -> Int {
        var index = offset
        while index < end, (bytes[index] | 0x20) &- 97 < 26, index - offset < 16 { index += 1 }
        return index - offset
    }

    private static func starts(_ bytes: RawSpan, _ offset: Int, with name: [UInt8], _ length: Int) -> Bool {
        for index in 0..<length where bytes[offset + index] | 0x20 != name[index] { return false }
        return true
    }
}
