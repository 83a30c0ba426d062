import Common
import Glibc

/// Which files are open while not all of them may be, and which wait: those of an input with a `harvester_limit`, or of all
/// others together, which the number of descriptors limits.
///
/// Who has nothing to read gives way to who waits longest; who always has more does so after `turnTime`. Deleted files
/// keep their turn until they are read: closed, they would be lost.
final class HarvesterTurns {
    static let turnTime: Int64 = 5_000_000_000

    let limit: Int
    /// Files that were given a turn; some of them are closed by now.
    private var holders: [Harvester] = []
    private var openCount = 0
    /// From `queueStart` on; some have gone, and do not wait any more.
    private var queue: [Harvester] = []
    private var queueStart = 0
    private(set) var waitingCount = 0

    init(limit: Int) { self.limit = limit }

    /// Descriptors for connections, the registry, monitoring, and files of which is not known yet what they are.
    private static let reserve = 256

    /// How many files may be open at once by the limit of the process, which is raised as far as it goes.
    static func descriptors() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return reserve }
        limit.rlim_cur = limit.rlim_max
        // What cannot be raised stays, and is asked for again.
        setrlimit(resource, &limit)
        guard getrlimit(resource, &limit) == 0 else { return reserve }
        let count = Int(clamping: limit.rlim_cur)
        return max(count - min(reserve, count / 2), 1)
    }

    /// Whether an open file may stay open.
    func begin(_ harvester: Harvester, now: Int64) -> Bool {
        if harvester.turns === self { return true }
        guard openCount < limit else { return false }
        openCount += 1
        harvester.turns = self
        harvester.upkeep.turnBegan = now
        leave(harvester)
        if holders.count > 2 * openCount + 64 { holders.removeAll { $0.turns !== self } }
        holders.append(harvester)
        return true
    }

    /// A file with a turn was closed.
    func release() { openCount -= 1 }

    /// Puts a closed file at the end of those that wait.
    func wait(_ harvester: Harvester) {
        guard !harvester.upkeep.isWaiting else { return }
        harvester.upkeep.isWaiting = true
        waitingCount += 1
        queue.append(harvester)
    }

    /// Takes a file out of those that wait.
    func leave(_ harvester: Harvester) {
        guard harvester.upkeep.isWaiting else { return }
        harvester.upkeep.isWaiting = false
        waitingCount -= 1
    }

    /// The file that has waited longest, when there is room for it or another gives way.
    ///
    /// - Parameter drained: a file that was just read to its end and so is the one to give way; nil to look for one, which
    ///   asks all files that are open.
    func next(after drained: Harvester?, now: Int64) -> Harvester? {
        guard waitingCount > 0 else { return nil }
        if openCount >= limit {
            guard let other = drained.map({ Self.isIdle($0) ? $0 : nil }) ?? giving(now: now) else {
                return nil
            }
            // Lines of an event that waits for more are read again; a line without end only when it has one.
            let hadMore = other.hasNews() || other.assembly != nil
            other.close()
            if hadMore { wait(other) }
        }
        return takeFirst()
    }

    private func takeFirst() -> Harvester? {
        defer {
            if queueStart > max(queue.count / 2, 64) {
                queue.removeFirst(queueStart)
                queueStart = 0
            }
        }
        while queueStart < queue.count {
            let harvester = queue[queueStart]
            queueStart += 1
            // One that left and came back stands here twice; the second place is then found empty.
            guard harvester.upkeep.isWaiting else { continue }
            leave(harvester)
            return harvester
        }
        return nil
    }

    private func giving(now: Int64) -> Harvester? {
        let movable = holders.filter { $0.turns === self && !$0.isDeleted }
        if let quietest = movable.filter(Self.isIdle).min(by: { $0.lastActivity < $1.lastActivity }) {
            return quietest
        }
        return movable.filter { now - $0.upkeep.turnBegan >= Self.turnTime }
            .min { $0.upkeep.turnBegan < $1.upkeep.turnBegan }
    }

    private static func isIdle(_ harvester: Harvester) -> Bool {
        harvester.isOpen && !harvester.isDeleted && !harvester.isQueued && !harvester.hasNews()
            && !harvester.hasRest
    }
}
