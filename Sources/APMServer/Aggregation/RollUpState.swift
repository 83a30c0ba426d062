import Common

/// Everything aggregated and not yet stored: an open table for each interval, and flushes on their way.
///
/// Pure bookkeeping. At a boundary of the server's clock a table becomes part of a flush and is added to the
/// open table of the next longer interval.
struct RollUpState {
    let limits: RollUpLimits
    let hash: KeyedHash
    /// By interval.
    private(set) var open: [RollUpTable]
    /// Oldest first.
    private(set) var flushes: [RollUpFlush] = []
    /// By interval: when its table is complete, in seconds since 1970.
    private var boundaries: [Int64]

    /// - Parameter now: seconds since 1970.
    init(limits: RollUpLimits, hash: KeyedHash, now: Int64) {
        self.limits = limits
        self.hash = hash
        open = RollUpInterval.allCases.map { _ in RollUpTable(limits: limits, hash: hash) }
        boundaries = RollUpInterval.allCases.map { $0.boundary(after: now) }
    }

    /// The content of a checkpoint goes on where it was.
    init(restoring content: RollUpCheckpoint.Content, limits: RollUpLimits, now: Int64) {
        self.init(limits: limits, hash: content.hash, now: now)
        flushes = content.flushes
        for (interval, table) in zip(RollUpInterval.allCases, content.open) {
            open[Int(interval.rawValue)].merge(table, interval: interval)
        }
    }

    /// When the next table is complete.
    var nextBoundary: Int64 { boundaries[0] }

    /// Adds what a worker has counted.
    mutating func merge(_ table: RollUpTable) { open[0].merge(table, interval: .minute) }

    /// Takes a clock that was set back into account.
    mutating func look(now: Int64) {
        for interval in RollUpInterval.allCases {
            let index = Int(interval.rawValue)
            boundaries[index] = min(boundaries[index], interval.boundary(after: now))
        }
    }

    /// Makes a flush of every table whose boundary has passed.
    ///
    /// - Returns: whether there was anything in them.
    mutating func close(now: Int64) -> Bool {
        let due = RollUpInterval.allCases.filter { boundaries[Int($0.rawValue)] <= now }
        let isAny = flush(due)
        for interval in due { boundaries[Int(interval.rawValue)] = interval.boundary(after: now) }
        return isAny
    }

    /// Makes a flush of all tables.
    mutating func closeAll() { _ = flush(RollUpInterval.allCases) }

    /// The oldest flush is stored.
    mutating func removeFlush() { flushes.removeFirst() }

    /// - Parameter intervals: from the shortest on.
    private mutating func flush(_ intervals: [RollUpInterval]) -> Bool {
        var parts: [RollUpFlush.Part] = []
        for interval in intervals {
            let index = Int(interval.rawValue)
            let table = open[index]
            parts.append(
                .init(interval: interval, table: table, writtenAt: boundaries[index] - interval.seconds)
            )
            open[index] = RollUpTable(limits: limits, hash: hash)
            if let longer = RollUpInterval(rawValue: interval.rawValue + 1) {
                open[index + 1].merge(table, interval: longer)
            }
        }
        let id = SipHash.Value(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
        let flush = RollUpFlush(id: id, parts: parts)
        guard !flush.parts.isEmpty else { return false }
        flushes.append(flush)
        return true
    }
}
