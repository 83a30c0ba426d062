import Common

/// The rule for years that a zone's table no longer lists, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// Source: POSIX.1-2017, 8.3 "Other Environment Variables", TZ; RFC 8536, 3.3.1 allows hours from -167 to 167.
struct TimeZoneRule: Equatable, Sendable {
    /// When in a year clocks change.
    struct Change: Equatable, Sendable {
        enum Day: Equatable, Sendable {
            /// `Mmonth.week.day`: the week-th such day of the month, 5 for the last; 0 is Sunday.
            case week(month: Int, week: Int, day: Int)
            /// `Jn`: the n-th day, 29 February never counted.
            case withoutLeapDay(Int)
            /// `n`: the n-th day, counted from 0.
            case ofYear(Int)
        }

        let day: Day
        /// Seconds behind midnight of the clocks before the change.
        let time: Int
    }

    /// Seconds east of UTC.
    let standard: Int
    /// Nil for a zone that never changes.
    let daylight: (offset: Int, begin: Change, end: Change)?

    /// - Returns: nil for a text that is no rule.
    init?(_ text: [UInt8]) {
        var reader = Reader(text: text)
        guard reader.skipName(), let standard = reader.offset() else { return nil }
        self.standard = -standard
        guard !reader.isAtEnd else {
            daylight = nil
            return
        }
        guard reader.skipName() else { return nil }
        var offset = self.standard + 3600
        if reader.next != UInt8(ascii: ",") {
            guard let written = reader.offset() else { return nil }
            offset = -written
        }
        guard let begin = reader.change(), let end = reader.change(), reader.isAtEnd else { return nil }
        daylight = (offset, begin, end)
    }

    static func == (left: TimeZoneRule, right: TimeZoneRule) -> Bool {
        left.standard == right.standard && left.daylight?.offset == right.daylight?.offset
            && left.daylight?.begin == right.daylight?.begin && left.daylight?.end == right.daylight?.end
    }

    /// Seconds east of UTC at a moment, in seconds since 1970.
    func offset(at moment: Int64) -> Int {
        guard let daylight else { return standard }
        let days = CalendarTime.floorDivide(moment + Int64(standard), 86_400)
        let year = CalendarTime.date(days: Int(days)).year
        let begin = Self.seconds(daylight.begin, year) - Int64(standard)
        let end = Self.seconds(daylight.end, year) - Int64(daylight.offset)
        // In the south, summer goes over the turn of the year.
        let isDaylight =
            begin < end ? moment >= begin && moment < end : !(moment >= end && moment < begin)
        return isDaylight ? daylight.offset : standard
    }

    /// A change in a year on the clock before it, in seconds since 1970-01-01.
    private static func seconds(_ change: Change, _ year: Int) -> Int64 {
        Int64(day(change.day, year)) * 86_400 + Int64(change.time)
    }

    private static func day(_ day: Change.Day, _ year: Int) -> Int {
        let newYear = CalendarTime.days(year: year, month: 1, day: 1)
        switch day {
        case .ofYear(let number): return newYear + number
        case .withoutLeapDay(let number):
            let isBehind = number > 59 && CalendarTime.isDate(year: year, month: 2, day: 29)
            return newYear + number - (isBehind ? 0 : 1)
        case .week(let month, let week, let weekday):
            let first = CalendarTime.days(year: year, month: month, day: 1)
            // 1970-01-01 was a Thursday.
            let ofFirst = ((first + 4) % 7 + 7) % 7
            var date = 1 + (weekday - ofFirst + 7) % 7 + (week - 1) * 7
            while !CalendarTime.isDate(year: year, month: month, day: date) { date -= 7 }
            return first + date - 1
        }
    }
}

/// Reads the text of a rule.
private struct Reader {
    let text: [UInt8]
    var index = 0

    var isAtEnd: Bool { index == text.count }
    var next: UInt8? { index < text.count ? text[index] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    /// Steps over `CET` or `<+0330>`.
    mutating func skipName() -> Bool {
        if take(UInt8(ascii: "<")) {
            while let byte = next, byte != UInt8(ascii: ">") { index += 1 }
            return take(UInt8(ascii: ">"))
        }
        let start = index
        while let byte = next, (byte | 0x20) &- 97 < 26 { index += 1 }
        return index - start >= 3
    }

    mutating func number(in range: ClosedRange<Int>) -> Int? {
        let start = index
        var value = 0
        while let byte = next, byte &- 48 < 10, index - start < 4 {
            value = value * 10 + Int(byte - 48)
            index += 1
        }
        return index > start && range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` as seconds.
    mutating func offset() -> Int? {
        let isNegative = take(UInt8(ascii: "-"))
        if !isNegative { _ = take(UInt8(ascii: "+")) }
        guard var seconds = number(in: 0...167).map({ $0 * 3600 }) else { return nil }
        for unit in [60, 1] where take(UInt8(ascii: ":")) {
            guard let part = number(in: 0...59) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `,M3.5.0/2`.
    mutating func change() -> TimeZoneRule.Change? {
        guard take(UInt8(ascii: ",")), let day = day() else { return nil }
        guard take(UInt8(ascii: "/")) else { return TimeZoneRule.Change(day: day, time: 2 * 3600) }
        return offset().map { TimeZoneRule.Change(day: day, time: $0) }
    }

    private mutating func day() -> TimeZoneRule.Change.Day? {
        if take(UInt8(ascii: "J")) { return number(in: 1...365).map { .withoutLeapDay($0) } }
        guard take(UInt8(ascii: "M")) else { return number(in: 0...365).map { .ofYear($0) } }
        guard let month = number(in: 1...12), take(UInt8(ascii: ".")), let week = number(in: 1...5),
            take(UInt8(ascii: ".")), let day = number(in: 0...6)
        else { return nil }
        return .week(month: month, week: week, day: day)
    }
}
