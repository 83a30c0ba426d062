import Common

/// Times in members of JSON: text in one of the usual forms, or a number.
enum JSONTime {
    /// The moment that text or a number names; nil for anything else.
    ///
    /// Numbers are seconds since 1970, or milliseconds, microseconds or nanoseconds where seconds would lie in a year that
    /// no log is from.
    static func time(_ text: RawSpan, _ range: Range<Int>, _ zone: TimeZoneRules) -> CalendarTime? {
        if let time = CalendarTime.parse(iso8601: text, range) { return time }
        if let time = PythonTime.read(text, range, zone), time.end == range.upperBound { return time.time }
        guard let first = text.firstByte(range), first &- 48 < 10 else { return nil }
        let point = text.firstIndex(of: UInt8(ascii: "."), in: range) ?? range.upperBound
        let digits = point - range.lowerBound
        let scale = digits <= 11 ? 9 : digits <= 14 ? 6 : digits <= 17 ? 3 : 0
        guard let nanoseconds = Decimal.scaled(text, range, scale: scale) else { return nil }
        return CalendarTime(nanoseconds: nanoseconds)
    }
}

extension RawSpan {
    fileprivate func firstByte(_ range: Range<Int>) -> UInt8? { range.isEmpty ? nil : self[range.lowerBound] }
}
