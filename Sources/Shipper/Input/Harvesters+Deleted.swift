import Common

/// Files without a name: open until they are read, within limits.
extension Harvesters {
    /// Gives up the deleted files that keep too much of the disk in use, and says exactly what is lost.
    func releaseDeleted(now: Int64) {
        var deleted: [Harvester] = []
        for harvester in all.values where harvester.isOpen && harvester.isDeleted {
            if harvester.upkeep.deletedAt == nil { harvester.upkeep.deletedAt = now }
            deleted.append(harvester)
        }
        metrics.filesDeletedOpen.set(deleted.count)
        metrics.deletedBytes.set(Int(deleted.reduce(0) { $0 + $1.knownSize }))
        guard !deleted.isEmpty else { return }
        let files = deleted.map { harvester in
            DeletedFileLimits.File(
                bytes: harvester.knownSize,
                isUnread: harvester.hasNews(),
                deletedAt: harvester.upkeep.deletedAt ?? now
            )
        }
        for (index, reason) in deletedFiles.released(files, now: now) {
            let harvester = deleted[index]
            noteGivenUp(harvester, reason: reason.rawValue)
            remove(harvester)
            registry.end(harvester.state)
            metrics.filesDeletedOpen.add(-1)
            metrics.deletedBytes.add(-Int(harvester.knownSize))
        }
    }

    /// Says which deleted files end unread with the process: nobody can open them again.
    func noteDeletedAtEnd() {
        for harvester in all.values where harvester.isOpen {
            _ = harvester.hasNews()
            guard harvester.isDeleted else { continue }
            noteGivenUp(harvester, reason: "shipper ends", from: harvester.state.offset)
        }
    }

    /// Counts what was not read of a file that cannot be read any more.
    ///
    /// - Parameter offset: everything before is safe.
    func noteGivenUp(_ harvester: Harvester, reason: String, from offset: Int64? = nil) {
        let lost = harvester.knownSize - (offset ?? harvester.offset)
        guard lost > 0 else { return }
        metrics.releasedBytes.add(Int(lost))
        Log.error(
            "a deleted file is given up unread",
            ["path": harvester.path, "lost_bytes": "\(lost)", "reason": reason]
        )
    }
}
