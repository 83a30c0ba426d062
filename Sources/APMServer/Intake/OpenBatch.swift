/// Whose events the batch has that a worker is filling, and since when.
///
/// Pure bookkeeping: the batch itself is elsewhere.
struct OpenBatch {
    /// Events of one request in a batch.
    struct Share {
        let events: EventsInFlight
        var count: Int
    }

    private var shares: [Share] = []
    /// When the first document came, in monotonic nanoseconds; nil for an empty batch.
    private(set) var since: Int64?

    /// Documents were added for which no request waits.
    mutating func touched(now: @autoclosure () -> Int64) {
        if since == nil { since = now() }
    }

    /// `count` more events of a request were added.
    mutating func added(_ count: Int, of events: EventsInFlight, now: @autoclosure () -> Int64) {
        touched(now: now())
        events.added(count)
        // A request adds many lines in a row.
        if let last = shares.indices.last, shares[last].events === events {
            shares[last].count += count
        } else {
            shares.append(Share(events: events, count: count))
        }
    }

    /// The batch leaves.
    ///
    /// - Returns: who has to be told what becomes of it.
    mutating func leave() -> [Share] {
        for share in shares { share.events.left(share.count) }
        defer { self = OpenBatch() }
        return shares
    }
}
