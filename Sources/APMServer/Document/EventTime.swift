import Common

/// When an event happened, to the microsecond, as agents count.
struct EventTime: Equatable, Sendable {
    /// Since 1970; within what nanoseconds can count (1677 to 2262), or the decoder had refused the event.
    let microseconds: Int64

    /// The moment of `time`, cut to microseconds.
    init(_ time: CalendarTime) { microseconds = Self.floorDivide(time.nanoseconds, 1000) }

    /// What `value` says, microseconds or RFC 3339 text; when it says nothing, the time of the request.
    init(_ value: FieldValue, _ line: RawSpan, else received: CalendarTime) {
        self.init(value.time(line) ?? received)
    }

    /// The minute that the event falls into, in seconds since 1970.
    var minute: Int64 { Self.floorDivide(microseconds, 60_000_000) * 60 }

    var calendarTime: CalendarTime { CalendarTime(nanoseconds: microseconds * 1000) }

    fileprivate static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension ByteBuffer {
    /// Appends `2017-05-30T18:53:27.154Z`: cut to milliseconds.
    mutating func append(timestamp time: EventTime) {
        let milliseconds = EventTime.floorDivide(time.microseconds, 1000)
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
