import Common

/// Names the index of a document: `PREFIX-yyyy.MM.dd` by its own time in UTC.
///
/// The name depends on the event alone, so a repeat goes to the same index, where its id makes it harmless.
struct DailyIndex: ~Copyable {
    /// Bytes of `-2026.11.22`.
    static let suffixBytes = 11
    /// Elasticsearch allows 255 bytes.
    static let maxPrefixBytes = 255 - suffixBytes

    private let prefixCount: Int
    private var day = Int.min
    /// The last name that was asked for.
    private(set) var name: ByteBuffer

    /// - Parameter prefix: as `problem(withPrefix:)` accepts it.
    init(prefix: String) {
        name = ByteBuffer(capacity: prefix.utf8.count + 16)
        name.append(prefix)
        prefixCount = name.count
    }

    /// Sets `name` for a document of that time; works only when the day differs from the last one's.
    mutating func select(_ time: CalendarTime) {
        guard time.day != day else { return }
        day = time.day
        let (year, month, dayOfMonth) = time.date
        name.truncate(to: prefixCount)
        name.append(UInt8(ascii: "-"))
        name.append(decimal: year, width: 4)
        name.append(UInt8(ascii: "."))
        name.append(decimal: month, width: 2)
        name.append(UInt8(ascii: "."))
        name.append(decimal: dayOfMonth, width: 2)
    }

    /// Why Elasticsearch would refuse an index of that name; nil if it would not.
    static func problem(withPrefix prefix: String) -> String? {
        guard let first = prefix.utf8.first else { return "is empty; name the index, such as nginx" }
        if prefix.utf8.count > maxPrefixBytes { return "is longer than \(maxPrefixBytes) bytes; shorten it" }
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "_") || first == UInt8(ascii: "+") {
            return "begins with - _ or +; begin with a letter"
        }
        if prefix == "." || prefix == ".." { return "is no index name; name the index, such as nginx" }
        for character in prefix.unicodeScalars {
            if character.properties.isUppercase {
                return "has the capital letter \(character); use lower case"
            }
            if "\\/*?\"<>|,#: \t\r\n".unicodeScalars.contains(character) || character.value < 0x20 {
                return "has a character that no index name may have: \(character.escaped(asASCII: true))"
            }
        }
        return nil
    }
}
