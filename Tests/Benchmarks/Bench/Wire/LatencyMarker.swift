import Common

/// `/t/NANOSECONDS`: the moment of a line's write, as the path that it requests.
enum LatencyMarker {
    private static let prefix: StaticString = " /t/"
    private static let digits = 19

    /// The path for a line that is written now.
    static func path(at moment: Int64) -> String {
        let text = String(moment)
        return "/t/" + String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// How long ago the line in `bytes[range]` was written; nil when it carries no marker.
    static func age(in bytes: RawSpan, _ range: Range<Int>, now: Int64) -> Int64? {
        guard let start = bytes.firstIndex(of: prefix, in: range) else { return nil }
        let first = start + prefix.utf8CodeUnitCount
        guard first + digits <= range.upperBound else { return nil }
        return Decimal.integer(bytes, first..<first + digits).map { now - $0 }
    }
}
