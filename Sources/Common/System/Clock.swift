import Glibc

/// The system's clocks.
///
/// Only the rim of a program reads them; decisions get a time as an argument.
package enum Clock {
    /// Wall clock, UTC.
    package static var now: CalendarTime { CalendarTime(nanoseconds: nanoseconds(CLOCK_REALTIME)) }

    /// Nanoseconds that never go back, from an arbitrary start.
    package static var monotonic: Int64 { nanoseconds(CLOCK_MONOTONIC) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// The duration in whole nanoseconds.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The duration in whole milliseconds, as poll and epoll take it; at least 1 unless it is zero.
    package var milliseconds: Int32 {
        let rounded = (nanoseconds + 999_999) / 1_000_000
        return Int32(clamping: rounded)
    }
}
