import Common

/// Reads parts of a date from a text, from left to right.
struct DateScanner {
    private let end: Int
    private(set) var offset: Int

    init(_ range: Range<Int>) {
        end = range.upperBound
        offset = range.lowerBound
    }

    var isAtEnd: Bool { offset == end }

    /// Reads what a pattern says.
    ///
    /// - Parameters:
    ///   - year: of now, for years of two digits.
    ///   - zones: for names of zones in the text.
    /// - Returns: nil where the text is another.
    static func parts(
        _ pattern: DatePattern,
        _ bytes: RawSpan,
        _ range: Range<Int>,
        year: Int,
        _ zones: TimeZoneCache
    ) -> DateParts? {
        var scanner = DateScanner(range)
        var parts = DateParts()
        for part in pattern.parts {
            guard scanner.read(part, bytes, &parts, year: year, zones) else { return nil }
        }
        return scanner.isAtEnd ? parts : nil
    }

    private mutating func read(
        _ part: DatePattern.Part,
        _ bytes: RawSpan,
        _ parts: inout DateParts,
        year: Int,
        _ zones: TimeZoneCache
    ) -> Bool {
        switch part {
        case .text(let text):
            guard offset + text.count <= end, bytes.equals(text, offset..<offset + text.count) else {
                return false
            }
            offset += text.count
            return true
        case .year(let digits): return take(&parts.year, number(digits, bytes))
        case .yearOfCentury(let digits):
            let start = offset
            let value = number(digits, bytes)
            // As Joda does: two digits are a year near now, more are the year itself.
            return take(&parts.year, offset - start == 2 ? value.map { Self.year($0, near: year) } : value)
        case .month: return take(&parts.month, number(2, bytes))
        case .monthName: return take(&parts.month, DateNames.month(&offset, end, bytes))
        case .day: return take(&parts.day, number(2, bytes, isPadded: true))
        case .dayOfYear: return take(&parts.dayOfYear, number(3, bytes))
        case .week: return take(&parts.week, number(2, bytes))
        case .dayOfWeek: return take(&parts.dayOfWeek, number(1, bytes))
        case .dayName: return DateNames.day(&offset, end, bytes) != nil
        case .hour: return number(2, bytes).map { parts.hour = $0 } != nil
        case .hourFromOne:
            guard let hour = number(2, bytes), hour <= 24 else { return false }
            parts.hour = hour % 24
            return true
        case .hourOfHalf:
            guard let hour = number(2, bytes), hour <= 12 else { return false }
            parts.hour = hour
            if parts.isAfternoon == nil { parts.isAfternoon = false }
            return true
        case .half: return take(&parts.isAfternoon, DateNames.isAfternoon(&offset, end, bytes))
        case .minute: return number(2, bytes).map { parts.minute = $0 } != nil
        case .second: return number(2, bytes).map { parts.second = $0 } != nil
        case .fraction(let digits): return fraction(digits, bytes).map { parts.nanosecond = $0 } != nil
        case .offset: return take(&parts.offset, zoneOffset(bytes))
        case .zoneName: return take(&parts.offset, DateNames.zone(&offset, end, bytes) ?? zoneOffset(bytes))
        case .zoneID: return take(&parts.zone, zone(bytes, zones))
        case .era:
            guard offset + 2 <= end, bytes[offset] | 0x20 == 97, bytes[offset + 1] | 0x20 == 100 else {
                return false
            }
            offset += 2
            return true
        }
    }

    private func take<Value>(_ place: inout Value?, _ value: Value?) -> Bool {
        guard let value else { return false }
        place = value
        return true
    }

    /// Steps over one byte, which must be there.
    mutating func skipByte() { offset += 1 }

    // MARK: - Numbers

    /// Up to `digits` digits; nil when there is none.
    ///
    /// - Parameter isPadded: whether a blank may stand for a leading zero, as in `Nov  2`.
    mutating func number(_ digits: Int, _ bytes: RawSpan, isPadded: Bool = false) -> Int? {
        if isPadded, offset + 1 < end, bytes[offset] == 0x20, bytes[offset + 1] &- 48 < 10 { offset += 1 }
        let start = offset
        var value = 0
        while offset < end, offset - start < digits, bytes[offset] &- 48 < 10 {
            value = value * 10 + Int(bytes[offset] &- 48)
            offset += 1
        }
        return offset > start ? value : nil
    }

    /// Up to `digits` digits behind a decimal point, as nanoseconds.
    mutating func fraction(_ digits: Int, _ bytes: RawSpan) -> Int? {
        let start = offset
        var value = 0
        while offset < end, offset - start < digits, bytes[offset] &- 48 < 10 {
            if offset - start < 9 { value = value * 10 + Int(bytes[offset] &- 48) }
            offset += 1
        }
        guard offset > start else { return nil }
        for _ in min(offset - start, 9)..<9 { value *= 10 }
        return value
    }

    /// The year of those two digits from 80 years before now to 19 behind.
    private static func year(_ digits: Int, near now: Int) -> Int {
        let first = now - 80
        let year = first - first % 100 + digits
        return year < first ? year + 100 : year
    }

    // MARK: - Zones

    /// `Z`, `+hh`, `+hhmm` or `+hh:mm` as seconds east of UTC, with `UTC` or `GMT` in front or in its place.
    mutating func zoneOffset(_ bytes: RawSpan) -> Int? {
        let hasName = skip("UTC", bytes) || skip("GMT", bytes)
        guard offset < end else { return hasName ? 0 : nil }
        let sign = bytes[offset]
        if !hasName, sign | 0x20 == UInt8(ascii: "z") {
            offset += 1
            return 0
        }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return hasName ? 0 : nil }
        offset += 1
        let start = offset
        guard let hours = number(2, bytes), hours < 24, offset - start == 2 else { return nil }
        var minutes = 0
        let hasColon = offset < end && bytes[offset] == UInt8(ascii: ":")
        if hasColon { offset += 1 }
        if hasColon || (offset < end && bytes[offset] &- 48 < 10) {
            let start = offset
            guard let value = number(2, bytes), value < 60, offset - start == 2 else { return nil }
            minutes = value
        }
        let seconds = hours * 3600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    private mutating func skip(_ text: StaticString, _ bytes: RawSpan) -> Bool {
        guard offset + 3 <= end, bytes.equals(text, offset..<offset + 3) else { return false }
        offset += 3
        return true
    }

    /// A name of the database, such as `Europe/Paris`.
    private mutating func zone(_ bytes: RawSpan, _ zones: TimeZoneCache) -> TimeZoneRules? {
        let start = offset
        while offset < end, Self.isPartOfName(bytes[offset]) { offset += 1 }
        return zones.zone(bytes, start..<offset)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 97 < 26 || byte &- 48 < 10
            || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
    }
}
