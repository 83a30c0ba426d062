import Common

/// When an event happened, in microseconds since 1970 as agents count, before and long after the years that
/// `CalendarTime` can name included.
struct EventTime: Equatable, Sendable {
    var microseconds: Int64

    init(microseconds: Int64) { self.microseconds = microseconds }

    /// The moment of `time`, cut to microseconds.
    init(_ time: CalendarTime) { microseconds = Self.floorDivide(time.nanoseconds, 1000) }

    /// What `value` says: microseconds, or RFC 3339 text; when it says nothing, the time of the request.
    init(_ value: FieldValue, _ line: RawSpan, else received: CalendarTime) {
        let said: EventTime? =
            switch value.kind {
            case .number: Decimal.integer(line, value.range).map(EventTime.init(microseconds:))
            case .string: CalendarTime.parse(iso8601: line, value.range).map { EventTime($0) }
            default: nil
            }
        self = said ?? EventTime(received)
    }

    /// The minute that the event falls into, in seconds since 1970.
    var minute: Int64 { Self.floorDivide(microseconds, 60_000_000) * 60 }

    /// The same moment, moved into the years that nanoseconds can count.
    var calendarTime: CalendarTime {
        let limit = Int64.max / 1000
        return CalendarTime(nanoseconds: min(max(microseconds, -limit), limit) * 1000)
    }

    /// Milliseconds of 0000-01-01 and of the last moment of 9999: `@timestamp` has four digits for the year.
    private static let milliseconds = -62_167_219_200_000...253_402_300_799_999 as ClosedRange<Int64>

    fileprivate var shownMilliseconds: Int64 {
        let value = Self.floorDivide(microseconds, 1000)
        return min(max(value, Self.milliseconds.lowerBound), Self.milliseconds.upperBound)
    }

    fileprivate static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension ByteBuffer {
    /// Appends `2017-05-30T18:53:27.154Z`: cut to milliseconds; times that have no such text move to its ends.
    mutating func append(timestamp time: EventTime) {
        let milliseconds = time.shownMilliseconds
        let day = EventTime.floorDivide(milliseconds, 86_400_000)
        let ofDay = Int(milliseconds - day * 86_400_000)
        let (year, month, dayOfMonth) = CalendarTime.date(days: Int(day))
        let seconds = ofDay / 1000
        append(reserving: 24) { free in
            func put(_ value: Int, at offset: Int, then separator: UInt8) {
                free[offset] = UInt8(truncatingIfNeeded: value / 10) &+ 48
                free[offset + 1] = UInt8(truncatingIfNeeded: value % 10) &+ 48
                free[offset + 2] = separator
            }
            put(year / 100, at: 0, then: 0)
            put(year % 100, at: 2, then: UInt8(ascii: "-"))
            put(month, at: 5, then: UInt8(ascii: "-"))
            put(dayOfMonth, at: 8, then: UInt8(ascii: "T"))
            put(seconds / 3600, at: 11, then: UInt8(ascii: ":"))
            put(seconds / 60 % 60, at: 14, then: UInt8(ascii: ":"))
            put(seconds % 60, at: 17, then: UInt8(ascii: "."))
            put(ofDay % 1000 / 10, at: 20, then: UInt8(truncatingIfNeeded: ofDay % 10) &+ 48)
            free[23] = UInt8(ascii: "Z")
            return 24
        }
    }
}
