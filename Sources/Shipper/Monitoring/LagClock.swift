/// Since when a file has had lines that are not stored.
///
/// Pure, and told of ends and offsets, never of lines. It remembers one end and when that was seen: once everything
/// before it is stored, the oldest line that is not is younger than that. So the age is never too small, and for a file
/// that never rests at most twice the true one.
struct LagClock: Equatable {
    /// Monotonic time from which on lines wait; nil when none does.
    private var since: Int64?
    /// The end that was seen at `markTime`.
    private var markEnd: Int64 = 0
    private var markTime: Int64 = 0
    /// The end that was seen last.
    private var end: Int64 = 0

    var isBehind: Bool { since != nil }

    /// Takes notice of how far the file's lines go.
    ///
    /// - Parameter end: where the last line ends.
    /// - Parameter stored: everything before is stored.
    mutating func see(end: Int64, stored: Int64, now: Int64) {
        self.end = end
        update(stored: stored, now: now)
    }

    /// Takes notice that everything before `offset` is stored.
    mutating func store(_ offset: Int64, now: Int64) {
        end = max(end, offset)
        update(stored: offset, now: now)
    }

    /// How long the oldest line that is not stored has waited (nanoseconds); 0 when there is none.
    func age(now: Int64) -> Int64 { since.map { max(now - $0, 0) } ?? 0 }

    private mutating func update(stored: Int64, now: Int64) {
        if stored >= end {
            since = nil
        } else if since == nil {
            since = now
            mark(now)
        } else if stored >= markEnd {
            since = markTime
            mark(now)
        }
    }

    private mutating func mark(_ now: Int64) {
        markEnd = end
        markTime = now
    }
}
