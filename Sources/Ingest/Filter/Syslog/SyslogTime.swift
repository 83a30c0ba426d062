import Common

/// `Nov 22 10:15:41`, the time of RFC 3164: without a year, and without a zone.
enum SyslogTime {
    /// How far after the time of reading a line may lie: clocks differ, and some devices do not know their zone.
    private static let tolerance: Int64 = 2 * 86_400_000_000_000
    /// Years back in which to look for a 29 February.
    private static let maxYearsBack = 8

    /// The moment at the start of `range`, and where it ends.
    ///
    /// The year is the latest in which the line is not from the future: in January, lines of December are from last
    /// year.
    static func read(
        _ line: RawSpan,
        _ range: Range<Int>,
        _ context: LineContext
    ) -> (time: CalendarTime, end: Int)? {
        var reader = DateDigits(bytes: range, offset: range.lowerBound)
        guard let month = LogTime.month(&reader, line), reader.take(0x20, line) else { return nil }
        // Days below ten have a blank in front, or a zero.
        let isShort = reader.take(0x20, line)
        guard let day = reader.digits(isShort ? 1 : 2, line), reader.take(0x20, line) else { return nil }
        // Cisco and others write the year all the same.
        var written: Int?
        var withYear = reader
        if let year = withYear.digits(4, line), withYear.take(0x20, line) {
            written = year
            reader = withYear
        }
        guard let hour = reader.digits(2, line), reader.take(UInt8(ascii: ":"), line),
            let minute = reader.digits(2, line), reader.take(UInt8(ascii: ":"), line),
            let second = reader.digits(2, line)
        else { return nil }
        var nanosecond = 0
        var end = reader.offset
        if reader.take(UInt8(ascii: "."), line), let fraction = reader.fraction(line) {
            nanosecond = fraction
            end = reader.offset
        }
        func time(_ year: Int) -> CalendarTime? {
            context.zone.time((year, month, day), (hour, minute, second), nanosecond: nanosecond)
        }
        if let written { return time(written).map { ($0, end) } }
        let limit = context.readTime.nanoseconds.addingReportingOverflow(tolerance).partialValue
        let newest = CalendarTime(nanoseconds: limit).date.year
        for year in stride(from: newest, to: newest - maxYearsBack, by: -1) {
            if let time = time(year), time.nanoseconds <= limit { return (time, end) }
        }
        return nil
    }
}
