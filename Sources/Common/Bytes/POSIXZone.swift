/// The rule of a zone for all years to come, as POSIX's TZ variable has it.
///
///     CET-1CEST,M3.5.0,M10.5.0/3
///
/// Source: RFC 9636, section 3.3, and POSIX.1-2017, section 8.3. Days are months, weeks and weekdays (`M`); no zone has used
/// other forms for decades, and they are refused.
struct POSIXZone: Equatable, Sendable {
    /// The nth weekday of a month, and the second of that day by the clock that is about to change.
    private struct Change: Equatable {
        let month: Int
        /// 5 is the last.
        let week: Int
        let weekday: Int
        let second: Int
    }

    private let standard: Int
    private let summer: Int
    private let changes: (start: Change, end: Change)?

    static func == (left: POSIXZone, right: POSIXZone) -> Bool {
        left.standard == right.standard && left.summer == right.summer
            && left.changes?.start == right.changes?.start && left.changes?.end == right.changes?.end
    }

    init?(_ text: String) {
        var reader = Reader(bytes: Array(text.utf8))
        guard reader.skipName(), let west = reader.time() else { return nil }
        standard = -west
        guard !reader.isAtEnd else {
            summer = standard
            changes = nil
            return
        }
        guard reader.skipName() else { return nil }
        if reader.peek == UInt8(ascii: ",") {
            summer = standard + 3600
        } else {
            guard let west = reader.time() else { return nil }
            summer = -west
        }
        guard let start = reader.change(), let end = reader.change(), reader.isAtEnd else { return nil }
        changes = (start, end)
    }

    /// Seconds east of UTC at a moment, in seconds since 1970.
    func offset(at seconds: Int64) -> Int {
        guard let changes else { return standard }
        let local = CalendarTime.floorDivide(seconds + Int64(standard), 86400)
        let year = CalendarTime.date(days: Int(local)).year
        let start = Self.moment(changes.start, year) - Int64(standard)
        let end = Self.moment(changes.end, year) - Int64(summer)
        let isSummer = start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end
        return isSummer ? summer : standard
    }

    private static func moment(_ change: Change, _ year: Int) -> Int64 {
        let first = CalendarTime.days(year: year, month: change.month, day: 1)
        // 1970-01-01 was a Thursday, the fourth day of a week that begins with Sunday.
        let weekday = ((first + 4) % 7 + 7) % 7
        var day = first + (change.weekday - weekday + 7) % 7 + (change.week - 1) * 7
        while CalendarTime.date(days: day).month != change.month { day -= 7 }
        return Int64(day) * 86400 + Int64(change.second)
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { offset == bytes.count }
        var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

        mutating func take(_ byte: UInt8) -> Bool {
            guard peek == byte else { return false }
            offset += 1
            return true
        }

        /// `CET`, or `<+0330>`.
        mutating func skipName() -> Bool {
            let start = offset
            if take(UInt8(ascii: "<")) {
                while let byte = peek, byte != UInt8(ascii: ">") { offset += 1 }
                return take(UInt8(ascii: ">"))
            }
            while let byte = peek, (byte | 0x20) &- 97 < 26 { offset += 1 }
            return offset - start >= 3
        }

        mutating func number() -> Int? {
            let start = offset
            var value = 0
            while let byte = peek, byte &- 48 < 10, offset - start < 4 {
                value = value * 10 + Int(byte &- 48)
                offset += 1
            }
            return offset > start ? value : nil
        }

        /// `-1`, `3:30`, `+02:00:00` as seconds.
        mutating func time() -> Int? {
            let isNegative = take(UInt8(ascii: "-"))
            if !isNegative { _ = take(UInt8(ascii: "+")) }
            guard let hours = number() else { return nil }
            var seconds = hours * 3600
            if take(UInt8(ascii: ":")) {
                guard let minutes = number() else { return nil }
                seconds += minutes * 60
                if take(UInt8(ascii: ":")) {
                    guard let rest = number() else { return nil }
                    seconds += rest
                }
            }
            return isNegative ? -seconds : seconds
        }

        /// A change such as `,M3.5.0/2`.
        mutating func change() -> Change? {
            guard take(UInt8(ascii: ",")), take(UInt8(ascii: "M")), let month = number(),
                (1...12).contains(month), take(UInt8(ascii: ".")), let week = number(),
                (1...5).contains(week),
                take(UInt8(ascii: ".")), let weekday = number(), weekday < 7
            else { return nil }
            var second = 7200
            if take(UInt8(ascii: "/")) {
                guard let time = time() else { return nil }
                second = time
            }
            return Change(month: month, week: week, weekday: weekday, second: second)
        }
    }
}
