import Common

/// How far a zone's clocks are from UTC, at any moment: a zone of the IANA database, or a fixed offset.
///
/// Immutable, so all workers share one. `TimeZoneFile` reads it from the host's database.
final class TimeZoneRules: Sendable {
    static let utc = TimeZoneRules(name: "UTC", offset: 0)

    let name: String
    /// When the offset changes, in seconds since 1970, oldest first.
    private let transitions: [Int64]
    /// Seconds east of UTC from each transition on.
    private let offsets: [Int]
    /// The offset before the first transition.
    private let firstOffset: Int
    /// What goes for times behind the last transition; nil when its offset stays.
    private let rule: TimeZoneRule?

    /// - Parameter offset: seconds east of UTC.
    init(name: String, offset: Int) {
        self.name = name
        transitions = []
        offsets = []
        firstOffset = offset
        rule = nil
    }

    /// - Parameters:
    ///   - transitions: in ascending order, with as many `offsets`.
    ///   - rule: for times behind the last transition.
    init(name: String, firstOffset: Int, transitions: [Int64], offsets: [Int], rule: TimeZoneRule?) {
        self.name = name
        self.firstOffset = firstOffset
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule
    }

    /// Seconds east of UTC at a moment, in seconds since 1970.
    func offset(at moment: Int64) -> Int {
        if let rule, moment >= transitions.last ?? .min { return rule.offset(at: moment) }
        // The number of transitions that have happened by then.
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= moment { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? firstOffset : offsets[low - 1]
    }

    /// The offset of a time as the zone's clocks show it: seconds since 1970-01-01 00:00 on that clock.
    ///
    /// - Returns: the earlier moment's where clocks were set back and the time happened twice; nil where they were set
    ///   forward and it never happened.
    func offset(local time: Int64) -> Int? {
        // Zones change their offset by a day at most, and no zone did so twice within two days.
        let (before, after) = (offset(at: time - 86_400), offset(at: time + 86_400))
        let isBefore = offset(at: time - Int64(before)) == before
        if before == after || isBefore { return isBefore ? before : nil }
        return offset(at: time - Int64(after)) == after ? after : nil
    }

    /// The moment of a time that a clock of this zone shows, given as if it were UTC; nil where there is none.
    func moment(of local: CalendarTime) -> CalendarTime? {
        guard let offset = offset(local: local.seconds) else { return nil }
        let (nanoseconds, overflow) = local.nanoseconds.subtractingReportingOverflow(
            Int64(offset) * 1_000_000_000
        )
        return overflow ? nil : CalendarTime(nanoseconds: nanoseconds)
    }
}

extension TimeZoneRules {
    /// A zone by what people write: `Europe/Paris`, `UTC`, `Z`, `+02:00`, `-0730`, or `local` for this host's.
    ///
    /// Reads a file; keep the answer (`TimeZoneCache` does).
    ///
    /// - Throws: when there is no such zone in the host's database.
    static func named(_ name: String) throws(TimeZoneError) -> TimeZoneRules {
        if name == "UTC" || name == "Z" || name == "GMT" { return utc }
        if name == "local" { return try TimeZoneFile.local() }
        if let offset = fixedOffset(name) { return TimeZoneRules(name: name, offset: offset) }
        return try TimeZoneFile.zone(name)
    }

    /// Seconds east of UTC that `+hh:mm`, `+hhmm`, `+hh`, or those behind `UTC` or `GMT`, say.
    private static func fixedOffset(_ name: String) -> Int? {
        let prefix = name.hasPrefix("UTC") || name.hasPrefix("GMT") ? 3 : 0
        let text = Array(name.utf8.dropFirst(prefix))
        var reader = DateDigits(bytes: 0..<text.count, offset: 0)
        guard text.count > 1, let zone = reader.zone(text.span.bytes), reader.isAtEnd else { return nil }
        return zone
    }
}

/// Why a time zone cannot be used.
struct TimeZoneError: Error, Equatable, CustomStringConvertible {
    let name: String
    let reason: String
    var description: String { "time zone \"\(name)\" \(reason)" }
}

extension TimeZoneRules {
    /// The moment when clocks of this zone show a date and time of a log; nil when there is no such date.
    ///
    /// An hour that clocks show twice means its first time, one that they skip is taken as before the change: a line
    /// was written at some time.
    func time(
        _ date: (year: Int, month: Int, day: Int),
        _ time: (hour: Int, minute: Int, second: Int),
        nanosecond: Int = 0
    ) -> CalendarTime? {
        guard let local = CalendarTime.civil(date, time, nanosecond: nanosecond, zone: 0) else { return nil }
        let seconds = offset(local: local.seconds) ?? offset(at: local.seconds - 86_400)
        return CalendarTime(nanoseconds: local.nanoseconds - Int64(seconds) * 1_000_000_000)
    }
}
