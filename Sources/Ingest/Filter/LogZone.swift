import Common

/// The zone of times that name none.
enum LogZone: Sendable {
    /// Seconds east of UTC.
    case offset(Int)
    /// A zone whose offset depends on the date.
    case rules(ZoneInfo)

    static let utc = LogZone.offset(0)

    /// Reads `+08:00`, `+0800`, `Z`, `UTC`, or an IANA name such as `Asia/Shanghai`.
    ///
    /// - Returns: nil for anything else, and for a name that this host's database does not have.
    init?(_ text: String) {
        if text == "UTC" || text == "GMT" || text == "Etc/UTC" {
            self = .utc
            return
        }
        let bytes = Array(text.utf8)
        var digits = DateDigits(bytes: 0..<bytes.count, offset: 0)
        if let seconds = digits.zone(bytes.span.bytes), digits.isAtEnd {
            self = .offset(seconds)
            return
        }
        guard let rules = ZoneInfo(named: text) else { return nil }
        self = .rules(rules)
    }

    /// The moment when clocks of this zone show a date and time; nil when there is no such date.
    ///
    /// An hour that clocks show twice means its first time.
    func time(
        _ date: (year: Int, month: Int, day: Int),
        _ time: (hour: Int, minute: Int, second: Int),
        nanosecond: Int = 0
    ) -> CalendarTime? {
        guard let local = CalendarTime.civil(date, time, nanosecond: nanosecond, zone: 0) else { return nil }
        let seconds =
            switch self {
            case .offset(let offset): offset
            case .rules(let rules): rules.offset(atLocal: local.seconds)
            }
        return CalendarTime(nanoseconds: local.nanoseconds - Int64(seconds) * 1_000_000_000)
    }
}

/// Reads `event.timezone` of events, which is nearly always that of the last one.
struct RepeatedZone: ~Copyable {
    private var text = ByteBuffer(capacity: 64)
    private var zone: LogZone?

    /// - Returns: the zone that the JSON string in `slot` names; nil for none that is known.
    mutating func zone(_ payload: RawSpan, _ slot: Event.Slot) -> LogZone? {
        guard slot.kind == .json, slot.source == .payload, slot.range.count > 2,
            payload[slot.start] == UInt8(ascii: "\"")
        else { return nil }
        let range = slot.start + 1..<slot.end - 1
        let isSame = text.withSpan { last in
            guard last.byteCount == range.count else { return false }
            for index in 0..<last.byteCount where last[index] != payload[range.lowerBound + index] {
                return false
            }
            return true
        }
        if isSame { return zone }
        text.removeAll()
        text.shrink(to: 64)
        // Names are shorter than this; others are no zone.
        guard range.count <= 64 else {
            zone = nil
            return nil
        }
        text.append(payload, range)
        zone = LogZone(text.text)
        return zone
    }
}
