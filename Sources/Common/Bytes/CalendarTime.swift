/// A moment in UTC, in nanoseconds since 1970-01-01, and the civil calendar around it.
///
/// Proleptic Gregorian, no leap seconds, no locale: log lines and index names need no more, and Foundation's
/// formatters would bring 44 MB of ICU.
package struct CalendarTime: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package init(seconds: Int64) { nanoseconds = seconds * 1_000_000_000 }

    /// A UTC date and time; months and days count from 1.
    ///
    /// No check of ranges.
    package init(
        year: Int,
        month: Int,
        day: Int,
        hour: Int = 0,
        minute: Int = 0,
        second: Int = 0,
        nanosecond: Int = 0
    ) {
        let days = Self.days(year: year, month: month, day: day)
        let time = hour * 3600 + minute * 60 + second
        nanoseconds = Int64(days * 86400 + time) * 1_000_000_000 + Int64(nanosecond)
    }

    package static func < (left: CalendarTime, right: CalendarTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { Self.floorDivide(nanoseconds, 1_000_000_000) }

    /// Days since 1970-01-01, rounded down.
    package var day: Int { Int(Self.floorDivide(nanoseconds, 86_400_000_000_000)) }

    /// Year, month and day of month in UTC.
    package var date: (year: Int, month: Int, day: Int) { Self.date(days: day) }

    /// Days from 1970-01-01 to a date.
    ///
    /// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date that is `days` after 1970-01-01.
    ///
    /// Source: as for `days(year:month:day:)`.
    package static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let leaps = dayOfEra / 1460 - dayOfEra / 36524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leaps) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The quotient rounded down, also below zero.
    package static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension ByteBuffer {
    /// Appends `2026-11-22T10:24:10.460Z`: UTC, always milliseconds, further digits only when they are not zero.
    package mutating func append(iso8601 time: CalendarTime) {
        let ofDay = Int(time.nanoseconds - Int64(time.day) * 86_400_000_000_000)
        let fraction = ofDay % 1_000_000_000
        append(iso8601Day: time.day, seconds: ofDay / 1_000_000_000)
        if fraction % 1_000_000 == 0 {
            append(decimal: fraction / 1_000_000, width: 3)
        } else if fraction % 1000 == 0 {
            append(decimal: fraction / 1000, width: 6)
        } else {
            append(decimal: fraction, width: 9)
        }
        append(UInt8(ascii: "Z"))
    }

    /// Appends `2026-11-22T10:24:10.`: days since 1970-01-01, and seconds of that day.
    package mutating func append(iso8601Day days: Int, seconds: Int) {
        let (year, month, day) = CalendarTime.date(days: days)
        append(reserving: 20) { free in
            func put(_ value: Int, at offset: Int, then separator: UInt8) {
                free[offset] = UInt8(truncatingIfNeeded: value / 10) &+ 48
                free[offset + 1] = UInt8(truncatingIfNeeded: value % 10) &+ 48
                free[offset + 2] = separator
            }
            put(year / 100, at: 0, then: 0)
            put(year % 100, at: 2, then: UInt8(ascii: "-"))
            put(month, at: 5, then: UInt8(ascii: "-"))
            put(day, at: 8, then: UInt8(ascii: "T"))
            put(seconds / 3600, at: 11, then: UInt8(ascii: ":"))
            put(seconds / 60 % 60, at: 14, then: UInt8(ascii: ":"))
            put(seconds % 60, at: 17, then: UInt8(ascii: "."))
            return 20
        }
    }
}

extension CalendarTime {
    /// `2026-11-22T10:24:10.460Z`.
    ///
    /// Allocates.
    package var iso8601: String {
        var buffer = ByteBuffer(capacity: 32)
        buffer.append(iso8601: self)
        return buffer.text
    }

    /// The moment that RFC 3339 text such as `2026-11-22T10:24:10.460Z` or `…+01:00` names.
    ///
    /// Accepts `T`, `t` or a blank, a comma or point before up to nine digits, and a zone `Z`, `+hh:mm` or `+hhmm`.
    ///
    /// - Returns: nil for anything else, impossible dates included.
    package static func parse(iso8601 bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        var reader = DateDigits(bytes: range, offset: range.lowerBound)
        guard let year = reader.digits(4, bytes), reader.take(UInt8(ascii: "-"), bytes),
            let month = reader.digits(2, bytes), reader.take(UInt8(ascii: "-"), bytes),
            let day = reader.digits(2, bytes), let separator = reader.next(bytes),
            separator | 0x20 == UInt8(ascii: "t") || separator == 0x20,
            let hour = reader.digits(2, bytes), reader.take(UInt8(ascii: ":"), bytes),
            let minute = reader.digits(2, bytes), reader.take(UInt8(ascii: ":"), bytes),
            let second = reader.digits(2, bytes)
        else { return nil }
        var nanosecond = 0
        if reader.take(UInt8(ascii: "."), bytes) || reader.take(UInt8(ascii: ","), bytes) {
            guard let fraction = reader.fraction(bytes) else { return nil }
            nanosecond = fraction
        }
        guard let zone = reader.zone(bytes), reader.isAtEnd else { return nil }
        return civil(
            (year, month, day),
            (hour, minute, second),
            nanosecond: nanosecond,
            zone: zone
        )
    }

    /// The moment of a date and time as a clock shows them `zone` seconds east of UTC.
    ///
    /// - Returns: nil when there is no such date or time, or none that nanoseconds can count. A leap second is taken.
    package static func civil(
        _ date: (year: Int, month: Int, day: Int),
        _ time: (hour: Int, minute: Int, second: Int),
        nanosecond: Int = 0,
        zone: Int
    ) -> CalendarTime? {
        guard years.contains(date.year), isDate(year: date.year, month: date.month, day: date.day),
            time.hour < 24, time.minute < 60, time.second < 61
        else { return nil }
        let local = CalendarTime(
            year: date.year,
            month: date.month,
            day: date.day,
            hour: time.hour,
            minute: time.minute,
            second: time.second,
            nanosecond: nanosecond
        )
        return CalendarTime(nanoseconds: local.nanoseconds - Int64(zone) * 1_000_000_000)
    }

    /// The years that fit as a whole; others overflow, so whoever reads a date checks this too.
    package static let years = 1678...2261

    /// Whether a date exists in the Gregorian calendar.
    package static func isDate(year: Int, month: Int, day: Int) -> Bool {
        guard month >= 1, month <= 12, day >= 1 else { return false }
        guard day > 28 else { return true }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let length = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        return day <= length
    }
}

/// Reads the fixed-width numbers of date texts.
package struct DateDigits {
    private let end: Int
    package private(set) var offset: Int

    package init(bytes range: Range<Int>, offset: Int) {
        end = range.upperBound
        self.offset = offset
    }

    package var isAtEnd: Bool { offset == end }

    /// Exactly `count` digits.
    package mutating func digits(_ count: Int, _ bytes: RawSpan) -> Int? {
        guard offset + count <= end else { return nil }
        var value = 0
        for index in offset..<offset + count {
            let digit = bytes[index] &- 48
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        offset += count
        return value
    }

    /// One byte.
    package mutating func next(_ bytes: RawSpan) -> UInt8? {
        guard offset < end else { return nil }
        offset += 1
        return bytes[offset - 1]
    }

    /// Steps over `byte` if it comes next.
    package mutating func take(_ byte: UInt8, _ bytes: RawSpan) -> Bool {
        guard offset < end, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// One to nine digits behind a decimal point, as nanoseconds; more digits are cut off.
    package mutating func fraction(_ bytes: RawSpan) -> Int? {
        var value = 0
        var count = 0
        while offset < end, bytes[offset] &- 48 < 10 {
            if count < 9 { value = value * 10 + Int(bytes[offset] &- 48) }
            count += 1
            offset += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }

    /// `Z`, `+hh:mm`, `+hhmm` or `+hh` as seconds east of UTC.
    package mutating func zone(_ bytes: RawSpan) -> Int? {
        guard let sign = next(bytes) else { return nil }
        if sign | 0x20 == UInt8(ascii: "z") { return 0 }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        guard let hours = digits(2, bytes), hours <= 23 else { return nil }
        let colon = take(UInt8(ascii: ":"), bytes)
        var minutes = 0
        if colon || !isAtEnd {
            guard let value = digits(2, bytes), value < 60 else { return nil }
            minutes = value
        }
        let seconds = hours * 3600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }
}
