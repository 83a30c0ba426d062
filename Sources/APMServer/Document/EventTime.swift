import Common

/// When an event happened, to the microsecond, as agents count.
struct EventTime: Equatable, Sendable {
    /// Since 1970; within what nanoseconds can count (1677 to 2262), or the decoder had refused the event.
    let microseconds: Int64

    /// The moment of `time`, cut to microseconds.
    init(_ time: CalendarTime) { microseconds = CalendarTime.floorDivide(time.nanoseconds, 1000) }

    /// What `value` says, microseconds or RFC 3339 text; when it says nothing, the time of the request.
    init(_ value: FieldValue, _ line: RawSpan, else received: CalendarTime) {
        self.init(value.time(line) ?? received)
    }

    /// The minute that the event falls into, in seconds since 1970.
    var minute: Int64 { CalendarTime.floorDivide(microseconds, 60_000_000) * 60 }

    var calendarTime: CalendarTime { CalendarTime(nanoseconds: microseconds * 1000) }
}

extension ByteBuffer {
    /// Appends `2017-05-30T18:53:27.154Z`: cut to milliseconds.
    mutating func append(timestamp time: EventTime) {
        let day = CalendarTime.floorDivide(time.microseconds, 86_400_000_000)
        let milliseconds = Int(time.microseconds - day * 86_400_000_000) / 1000
        append(iso8601Day: Int(day), seconds: milliseconds / 1000)
        append(decimal: milliseconds % 1000, width: 3)
        append(UInt8(ascii: "Z"))
    }
}
