import Common

/// `harvester_limit`, and the limit of descriptors: files that wait until others have been read.
extension Harvesters {
    /// A file was read to its end: another may have its turn.
    func drained(_ harvester: Harvester, now: Int64) {
        if finishIfArchive(harvester, now: now) { return }
        let turns = turns[harvester.input]
        guard turns.waitingCount > 0, let other = turns.next(after: harvester, now: now) else { return }
        open(other, of: turns, now: now)
        metrics.filesWaiting.set(waitingCount)
    }

    /// Gives files that wait their turn, as far as there is room.
    func admitWaiting(now: Int64) {
        for turns in allTurns { admit(turns, now: now) }
        metrics.filesWaiting.set(waitingCount)
    }

    var waitingCount: Int { allTurns.reduce(0) { $0 + $1.waitingCount } }

    private var allTurns: [HarvesterTurns] { [sharedTurns] + turns.filter { $0 !== sharedTurns } }

    /// By input: its own turns if it has a limit, else those that it shares with others.
    static func turns(_ inputs: [Input], sharing shared: HarvesterTurns) -> [HarvesterTurns] {
        inputs.map { input in
            let limit = input.files.harvesterLimit
            return limit > 0 ? HarvesterTurns(limit: min(limit, shared.limit)) : shared
        }
    }

    /// Closes a file that was just opened, when it is not its turn.
    func closeUnlessItsTurn(_ harvester: Harvester, now: Int64) {
        let turns = turns[harvester.input]
        guard !harvester.isDeleted, !turns.begin(harvester, now: now) else { return }
        harvester.close()
        turns.wait(harvester)
        metrics.filesWaiting.set(waitingCount)
    }

    /// Begins anew what belongs to inputs by their place in `inputs`, after these were exchanged.
    func inputsChanged(now: Int64) {
        sharedTurns = HarvesterTurns(limit: sharedTurns.limit)
        turns = Self.turns(inputs, sharing: sharedTurns)
        for harvester in all.values { harvester.turns = nil }
        archives?.waiting.removeAll()
        linkDirectories.removeAll()
        let waiting = all.values.filter(\.upkeep.isWaiting)
        for harvester in waiting { harvester.upkeep.isWaiting = false }
        for harvester in all.values where harvester.isOpen { closeUnlessItsTurn(harvester, now: now) }
        for harvester in waiting { reopen(harvester, now: now) }
        metrics.filesWaiting.set(waitingCount)
        needsScan = true
    }

    private func admit(_ turns: HarvesterTurns, now: Int64) {
        // Each file that is opened may give way again at once; one round is enough.
        var rest = turns.waitingCount
        while rest > 0, let harvester = turns.next(after: nil, now: now) {
            rest -= 1
            guard open(harvester, of: turns, now: now) else { break }
        }
        metrics.filesWaiting.set(waitingCount)
    }

    /// - Returns: false when there is no descriptor left; the file waits on.
    @discardableResult
    private func open(_ harvester: Harvester, of turns: HarvesterTurns, now: Int64) -> Bool {
        guard all[harvester.key] === harvester else { return true }
        reopen(harvester, now: now)
        guard !harvester.isOpen, all[harvester.key] === harvester else { return true }
        turns.wait(harvester)
        return false
    }
}
