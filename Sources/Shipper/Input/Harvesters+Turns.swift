import Common

/// `harvester_limit`: files of an input that wait until others have been read.
extension Harvesters {
    /// A file was read to its end: another may have its turn.
    func drained(_ harvester: Harvester, now: Int64) {
        if finishIfArchive(harvester, now: now) { return }
        guard let turns = turns[harvester.input], turns.waitingCount > 0 else { return }
        admit(turns, now: now)
    }

    /// Gives files that wait their turn, as far as there is room.
    func admitWaiting(now: Int64) {
        for turns in turns { if let turns { admit(turns, now: now) } }
        metrics.filesWaiting.set(waitingCount)
    }

    var waitingCount: Int { turns.reduce(0) { $0 + ($1?.waitingCount ?? 0) } }

    /// Closes a file that was just opened, when it is not its turn.
    func closeUnlessItsTurn(_ harvester: Harvester, now: Int64) {
        guard let turns = turns[harvester.input], !harvester.isDeleted, !turns.begin(harvester, now: now)
        else {
            return
        }
        harvester.close()
        turns.wait(harvester)
        metrics.filesWaiting.set(waitingCount)
    }

    /// Begins anew what belongs to inputs by their place in `inputs`, after these were exchanged.
    func inputsChanged(now: Int64) {
        turns = Self.turns(inputs)
        archives?.waiting.removeAll()
        linkDirectories.removeAll()
        for harvester in all.values where harvester.upkeep.isWaiting {
            harvester.upkeep.isWaiting = false
            reopen(harvester, now: now)
        }
        metrics.filesWaiting.set(waitingCount)
        needsScan = true
    }

    private func admit(_ turns: HarvesterTurns, now: Int64) {
        // Each file that is opened may give way again at once; one round is enough.
        var rest = turns.waitingCount
        while rest > 0, let harvester = turns.next(now: now) {
            rest -= 1
            guard all[harvester.key] === harvester else { continue }
            reopen(harvester, now: now)
            guard !harvester.isOpen, all[harvester.key] === harvester else { continue }
            // Not a descriptor left: later.
            turns.wait(harvester)
            break
        }
        metrics.filesWaiting.set(waitingCount)
    }
}
