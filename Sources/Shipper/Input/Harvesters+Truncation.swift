import Common
import Glibc

/// Files that do not hold any more what was read, and the copies that do.
extension Harvesters {
    /// A file does not hold what was read: begins its next life, and looks for a copy of what it held.
    func truncated(_ harvester: Harvester, now: Int64, wall: Int64) {
        metrics.truncations.add()
        Log.info("file was truncated", ["path": harvester.path, "read_bytes": "\(harvester.offset)"])
        let old = harvester.state
        old.noteEnd(harvester.offset, harvester.fingerprint)
        noteOverwritten(harvester, knownSize: harvester.upkeep.largestSize, now: now)
        harvester.restart(as: nextLife(of: old, path: old.path, wall: wall))
        _ = harvester.hasNews()
        harvester.upkeep.beginAnew(size: harvester.knownSize)
        block(harvester)
        enqueue(harvester)
        for (key, candidate) in candidates where CopyRule.isRotated(candidate.path, of: old.path) {
            judge(key, candidate, now: now, wall: wall)
        }
        recoverCopies(of: old, input: harvester.input, now: now, wall: wall)
    }

    /// Looks whether a file was truncated, without reading on: that may have to wait, and the next life may end unread.
    ///
    /// A life of which nothing was read is known by its first line, and ends when the file is seen to be shorter.
    func look(at harvester: Harvester, now: Int64, wall: Int64) {
        _ = harvester.hasNews()
        guard let raw = harvester.raw else { return }
        do {
            if harvester.upkeep.hasShrunk {
                if harvester.offset > 0, try harvester.fingerprint.matches(raw: raw, at: harvester.offset) {
                    harvester.upkeep.beginAnew(size: harvester.knownSize)
                } else {
                    truncated(harvester, now: now, wall: wall)
                }
            }
            guard harvester.offset == 0, try harvester.takeName() else { return }
            registry.moved()
            block(harvester)
        } catch {
            // Reading meets the same error, and tells it.
            Log.debug("file cannot be looked at", ["path": harvester.path, "error": "\(error)"])
        }
    }

    /// Holds a life back until its generation and its token are on disk: after a crash its lines must not come under
    /// another identity.
    func block(_ harvester: Harvester) {
        neededSave = registry.nextSave
        harvester.waitsForSave = neededSave
    }

    func nextLife(of old: FileState, path: String, wall: Int64) -> FileState {
        registry.end(old)
        let state = FileState(key: old.key, generation: old.generation &+ 1, path: path, lastSeen: wall)
        registry.add(state)
        return state
    }

    /// Reads the rest of a truncated life from its copy, when the copy is there and no pattern names it.
    func recoverCopies(of old: FileState, input: Int, now: Int64, wall: Int64) {
        guard old.resumption.offset > 0 || old.token != nil else { return }
        for path in siblings(in: Path.directory(of: old.path)) where CopyRule.isRotated(path, of: old.path) {
            let mayInflate = inputs[input].files.compression.mayApply(to: path)
            guard let status = quietStatus(path), status.kind == .regular, all[status.key] == nil,
                candidates[status.key] == nil, registry.states[status.key] == nil,
                mayInflate || status.size >= old.resumption.offset, !inputs[input].scanner.matches(path)
            else { continue }
            open(path, input: input, now: now, wall: wall, isOutside: true)
        }
    }

    /// Opens closed files that a new one may be a copy of: only their content tells.
    ///
    /// - Returns: those that were opened. They are closed again when they are quiet.
    func openClosedOriginals(of path: String) -> [Harvester] {
        let closed = all.values.filter {
            !$0.isOpen && $0.offset > 0
                && (CopyRule.isRotated(path, of: $0.path) || CopyRule.isRotated(path, of: $0.state.path))
        }
        return closed.filter(openToCompare)
    }

    private func openToCompare(_ harvester: Harvester) -> Bool {
        do {
            guard let file = try openAgain(harvester) else { return false }
            harvester.reopen(file)
            return true
        } catch {
            noteOpenFailure(harvester.path, error)
            return false
        }
    }

    /// Notices truncated originals before a file is taken for a copy of one that is whole.
    func endTruncatedOriginals(of path: String, now: Int64, wall: Int64) throws(Errno) {
        for harvester in all.values where harvester.offset > 0 && CopyRule.isRotated(path, of: harvester.path)
        {
            guard let raw = harvester.raw, !harvester.isDeleted else { continue }
            if !(try harvester.fingerprint.matches(raw: raw, at: harvester.offset)) {
                truncated(harvester, now: now, wall: wall)
            }
        }
    }

    func judge(_ key: FileKey, _ candidate: Candidate, now: Int64, wall: Int64) {
        guard candidates.removeValue(forKey: key) != nil, let file = candidate.takeFile() else { return }
        do {
            let status = try FileStatus(descriptor: file)
            let since = status.size == candidate.size ? candidate.since : now
            let isSettled = now - since >= FileIdentification.settlingTime
            place(
                file,
                status,
                candidate.path,
                candidate.input,
                candidate.isOutside,
                isSettled: isSettled,
                now: now,
                wall: wall
            )
            candidates[key]?.since = since
        } catch {
            noteOpenFailure(candidate.path, error)
        }
    }
}
