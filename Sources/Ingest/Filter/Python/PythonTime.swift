import Common

/// The times that Python's logging and its servers write.
enum PythonTime {
    /// A time at the start of `range`, and where it ends.
    ///
    ///     2026-11-22 10:14:47,092     `%(asctime)s`; comma or point, 0 to 9 digits
    ///     2026-11-22 10:14:43 +0000   with `%z`
    ///     2026-11-22T10:14:43.1Z
    ///     22/Nov/2026 10:14:47        the servers of Werkzeug and Django
    ///
    /// - Parameter zone: of times that name none.
    static func read(
        _ text: RawSpan,
        _ range: Range<Int>,
        _ zone: TimeZoneRules
    ) -> (time: CalendarTime, end: Int)? {
        var reader = DateDigits(bytes: range, offset: range.lowerBound)
        guard let date = date(&reader, text), let separator = reader.next(text),
            separator == 0x20 || separator | 0x20 == UInt8(ascii: "t") || separator == UInt8(ascii: ":"),
            let hour = reader.digits(2, text), reader.take(UInt8(ascii: ":"), text),
            let minute = reader.digits(2, text), reader.take(UInt8(ascii: ":"), text),
            let second = reader.digits(2, text)
        else { return nil }
        var nanosecond = 0
        var end = reader.offset
        if reader.take(UInt8(ascii: ","), text) || reader.take(UInt8(ascii: "."), text),
            let fraction = reader.fraction(text)
        {
            nanosecond = fraction
            end = reader.offset
        }
        let time = (hour, minute, second)
        if let (offset, zoneEnd) = offset(text, end, range.upperBound) {
            let found = CalendarTime.civil(date, time, nanosecond: nanosecond, zone: offset)
            return found.map { ($0, zoneEnd) }
        }
        return zone.time(date, time, nanosecond: nanosecond).map { ($0, end) }
    }

    private static func date(
        _ reader: inout DateDigits,
        _ text: RawSpan
    ) -> (year: Int, month: Int, day: Int)? {
        var dashed = reader
        if let year = dashed.digits(4, text), dashed.take(UInt8(ascii: "-"), text),
            let month = dashed.digits(2, text), dashed.take(UInt8(ascii: "-"), text),
            let day = dashed.digits(2, text)
        {
            reader = dashed
            return (year, month, day)
        }
        guard let day = reader.digits(2, text), reader.take(UInt8(ascii: "/"), text),
            let month = LogTime.month(&reader, text), reader.take(UInt8(ascii: "/"), text),
            let year = reader.digits(4, text)
        else { return nil }
        return (year, month, day)
    }

    /// `Z`, `+0000` or `+00:00` at `start`, a blank before it or not.
    private static func offset(_ text: RawSpan, _ start: Int, _ end: Int) -> (seconds: Int, end: Int)? {
        var index = start
        if index < end, text[index] == UInt8(ascii: "Z") { return (0, index + 1) }
        if index < end, text[index] == 0x20 { index += 1 }
        guard index + 5 <= end, text[index] == UInt8(ascii: "+") || text[index] == UInt8(ascii: "-"),
            text.areDigits(index + 1..<index + 3)
        else { return nil }
        let hasColon = text[index + 3] == UInt8(ascii: ":")
        let stop = index + (hasColon ? 6 : 5)
        guard stop <= end, text.areDigits(stop - 2..<stop) else { return nil }
        var reader = DateDigits(bytes: index..<stop, offset: index)
        return reader.zone(text).map { ($0, stop) }
    }
}
