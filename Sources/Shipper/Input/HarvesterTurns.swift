/// Which files of an input are open while `harvester_limit` does not allow all of them, and which wait.
///
/// Who has nothing to read gives way to who waits longest; who always has more does so after `turnTime`. Deleted files
/// keep their turn until they are read: closed, they would be lost.
final class HarvesterTurns {
    static let turnTime: Int64 = 5_000_000_000

    let limit: Int
    private var holders: [Harvester] = []
    private var queue: [Harvester] = []

    init(limit: Int) { self.limit = limit }

    var waitingCount: Int { queue.count }

    /// Whether an open file may stay open, or a closed one be opened.
    func begin(_ harvester: Harvester, now: Int64) -> Bool {
        holders.removeAll { !$0.isOpen }
        if holders.contains(where: { $0 === harvester }) { return true }
        guard holders.count < limit else { return false }
        holders.append(harvester)
        harvester.upkeep.turnBegan = now
        harvester.upkeep.isWaiting = false
        return true
    }

    /// Puts a closed file at the end of those that wait.
    func wait(_ harvester: Harvester) {
        guard !harvester.upkeep.isWaiting else { return }
        harvester.upkeep.isWaiting = true
        queue.append(harvester)
    }

    /// Takes a file that has gone out of the queue.
    func leave(_ harvester: Harvester) {
        guard harvester.upkeep.isWaiting else { return }
        harvester.upkeep.isWaiting = false
        queue.removeAll { $0 === harvester }
    }

    /// The file that has waited longest, when there is room for it or another gives way.
    func next(now: Int64) -> Harvester? {
        guard !queue.isEmpty else { return nil }
        holders.removeAll { !$0.isOpen }
        if holders.count >= limit {
            guard let other = giving(now: now) else { return nil }
            // Lines of an event that waits for more are read again; a line without end only when it has one.
            let hadMore = other.hasNews() || other.assembly != nil
            other.close()
            holders.removeAll { $0 === other }
            if hadMore { wait(other) }
        }
        let harvester = queue.removeFirst()
        harvester.upkeep.isWaiting = false
        return harvester
    }

    private func giving(now: Int64) -> Harvester? {
        let movable = holders.filter { !$0.isDeleted }
        let idle = movable.filter { !$0.isQueued && !$0.hasNews() && !$0.hasRest }
        if let quietest = idle.min(by: { $0.lastActivity < $1.lastActivity }) { return quietest }
        return movable.filter { now - $0.upkeep.turnBegan >= Self.turnTime }
            .min { $0.upkeep.turnBegan < $1.upkeep.turnBegan }
    }
}
