import Common

/// The zones that events name, each read once; owned by one worker.
///
/// Names come from outside, so also those that do not exist are remembered, and all of them are bounded.
final class TimeZoneCache {
    /// The database has 600 names; a fleet uses a few.
    private static let maxZones = 1000
    private static let maxNameLength = 64

    private var zones: [String: TimeZoneRules?] = [:]
    /// The zone asked for last, which is nearly always the next one too.
    private var lastName: [UInt8] = []
    private var lastZone: TimeZoneRules? = .utc

    /// The zone that `bytes[range]` names, as `TimeZoneRules.named` takes it; nil when there is none.
    func zone(_ bytes: RawSpan, _ range: Range<Int>) -> TimeZoneRules? {
        guard !range.isEmpty, range.count <= Self.maxNameLength else { return nil }
        if bytes.equals(lastName, range) { return lastZone }
        let name = bytes.text(range)
        let zone: TimeZoneRules?
        if let known = zones[name] {
            zone = known
        } else {
            if zones.count >= Self.maxZones { zones.removeAll(keepingCapacity: true) }
            zone = Self.read(name)
            zones[name] = zone
        }
        lastName = Array(name.utf8)
        lastZone = zone
        return zone
    }

    private static func read(_ name: String) -> TimeZoneRules? {
        do throws(TimeZoneError) {
            return try TimeZoneRules.named(name)
        } catch {
            Log.limited(
                .warning,
                key: "zone",
                "an event names a time zone that is not there",
                ["error": "\(error)"]
            )
            return nil
        }
    }
}
