import Common
import Glibc

/// What a file is when it is opened: known, new, a copy of another; and when it is let go.
extension Harvesters {
    /// Opens a file and decides what it is.
    func open(
        _ path: String,
        input: Int,
        now: Int64,
        wall: Int64,
        isOutside: Bool = false,
        mayBeCopy: Bool = true,
        gone: [FileState]? = nil
    ) {
        do {
            let file = try openFile(path, input: input)
            if skipped.remove(path) != nil { Log.info("file can be read now", ["path": path]) }
            let status = try FileStatus(descriptor: file)
            guard status.kind == .regular, all[status.key] == nil, candidates[status.key] == nil else {
                return
            }
            if try takeArchive(file, status, path, input: input, isOutside: isOutside, now: now, wall: wall) {
                return
            }
            place(
                file,
                status,
                path,
                input,
                isOutside,
                mayBeCopy: mayBeCopy,
                isSettled: false,
                gone: gone,
                now: now,
                wall: wall
            )
        } catch {
            noteOpenFailure(path, error)
        }
    }

    func openFile(_ path: String, input: Int) throws(Errno) -> Descriptor {
        // Neither a pipe nor a device that takes the name of a file may hold the loop up.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (inputs[input].files.symlinks ? 0 : O_NOFOLLOW)
        do {
            return try Descriptor.open(path, flags)
        } catch {
            guard error.code == EMFILE || error.code == ENFILE, closeQuietest() else { throw error }
        }
        return try Descriptor.open(path, flags)
    }

    /// Opens a file that was closed; nil when its name leads to another by now.
    func openAgain(_ harvester: Harvester) throws(Errno) -> Descriptor? {
        if let path = harvester.upkeep.inflatedPath { return try Descriptor.open(path, O_RDONLY) }
        let file = try openFile(harvester.path, input: harvester.input)
        guard try FileStatus(descriptor: file).key == harvester.key else { return nil }
        return file
    }

    func noteOpenFailure(_ path: String, _ error: Errno) {
        switch error.code {
        case ENOENT: break
        case EMFILE, ENFILE, ENOMEM:
            Log.limited(
                .error,
                key: "open",
                "cannot open another file; it is tried again",
                ["path": path, "error": "\(error)"]
            )
        default: skip(path, "\(error)")
        }
    }

    func place(
        _ file: consuming Descriptor,
        _ status: FileStatus,
        _ path: String,
        _ input: Int,
        _ isOutside: Bool,
        mayBeCopy: Bool = true,
        isSettled: Bool,
        gone: [FileState]? = nil,
        now: Int64,
        wall: Int64
    ) {
        let raw = file.raw
        do {
            var live: [Harvester] = []
            var woken: [Harvester] = []
            defer { for harvester in woken where harvester.upkeep.isWaiting { harvester.close() } }
            if hasOriginals, registry.states[status.key] == nil {
                woken = openClosedOriginals(of: path)
                try endTruncatedOriginals(of: path, now: now, wall: wall)
                live = all.values.filter { $0.offset > 0 && $0.isOpen && !$0.isDeleted }
            }
            let verdict = try FileIdentification(registry: registry).verdict(
                raw: raw,
                status,
                path: path,
                live: live,
                gone: registry.states[status.key] == nil ? gone ?? goneStates() : [],
                mayBeCopy: mayBeCopy,
                isSettled: isSettled
            )
            switch verdict {
            case .known(let state):
                let (offset, fingerprint) = try continuation(of: state, raw: raw, size: status.size)
                follow(file, status, path, input, isOutside, state, offset, fingerprint, now: now)
            case .truncated(let old):
                metrics.truncations.add()
                Log.info("file was truncated or written anew while nobody watched", ["path": path])
                let state = nextLife(of: old, path: old.path, wall: wall)
                follow(file, status, path, input, isOutside, state, 0, .empty, now: now, isNewLife: true)
                recoverCopies(of: old, input: input, now: now, wall: wall)
            case .renumbered(let old):
                let state = FileState(
                    key: status.key,
                    generation: old.generation,
                    path: old.path,
                    token: old.token,
                    offset: old.offset,
                    fingerprint: old.fingerprint,
                    lastSeen: wall
                )
                registry.drop(old)
                registry.add(state)
                follow(file, status, path, input, isOutside, state, state.offset, state.fingerprint, now: now)
            case .copy(let original, let offset, let fingerprint):
                followCopy(
                    file,
                    status,
                    path,
                    input,
                    isOutside,
                    original,
                    offset,
                    fingerprint,
                    now: now,
                    wall: wall
                )
            case .wait:
                guard candidates.count < Self.maxCandidates else {
                    followNew(file, status, path, input, isOutside, now: now, wall: wall)
                    return
                }
                candidates[status.key] = Candidate(
                    path: path,
                    input: input,
                    isOutside: isOutside,
                    file: file,
                    size: status.size,
                    since: now
                )
            case .new:
                // A file that no pattern names is only of interest as the rest of one that is known.
                if isOutside { return }
                followNew(file, status, path, input, isOutside, now: now, wall: wall)
            }
        } catch {
            metrics.readErrors.add()
            Log.limited(
                .warning,
                key: "read " + path,
                "file cannot be read; it is tried again",
                ["path": path, "error": "\(error)"]
            )
        }
    }

    private func followNew(
        _ file: consuming Descriptor,
        _ status: FileStatus,
        _ path: String,
        _ input: Int,
        _ isOutside: Bool,
        now: Int64,
        wall: Int64
    ) {
        var offset: Int64 = 0
        var fingerprint = Fingerprint.empty
        if isFirstSight(of: path), inputs[input].startsAtEnd {
            do {
                offset = try Self.endOfLastLine(raw: file.raw, size: status.size)
                fingerprint = try Fingerprint.read(raw: file.raw, at: offset) ?? .empty
            } catch {
                Log.warning(
                    "cannot find the end of the file, it is sent as a whole",
                    ["path": path, "error": "\(error)"]
                )
                offset = 0
                fingerprint = .empty
            }
        }
        let state = FileState(
            key: status.key,
            path: path,
            offset: offset,
            fingerprint: fingerprint,
            lastSeen: wall
        )
        registry.add(state)
        follow(file, status, path, input, isOutside, state, offset, fingerprint, now: now)
    }

    /// A copy goes on under the identity of its original, because the bytes at an offset are the same in both.
    private func followCopy(
        _ file: consuming Descriptor,
        _ status: FileStatus,
        _ path: String,
        _ input: Int,
        _ isOutside: Bool,
        _ original: FileState,
        _ offset: Int64,
        _ fingerprint: Fingerprint,
        now: Int64,
        wall: Int64
    ) {
        metrics.copies.add()
        noteCopy(of: original, size: status.size)
        let stored = min(original.offset, offset)
        let state = FileState(
            key: status.key,
            path: original.path,
            token: original.token,
            offset: original.isEnded ? stored : offset,
            fingerprint: original.isEnded && stored == original.offset ? original.fingerprint : fingerprint,
            lastSeen: wall
        )
        registry.add(state)
        Log.info(
            "file is a copy of one already read",
            ["path": path, "original": original.path, "known_bytes": "\(offset)", "bytes": "\(status.size)"]
        )
        follow(file, status, path, input, isOutside, state, offset, fingerprint, now: now)
    }

    private func follow(
        _ file: consuming Descriptor,
        _ status: FileStatus,
        _ path: String,
        _ input: Int,
        _ isOutside: Bool,
        _ state: FileState,
        _ offset: Int64,
        _ fingerprint: Fingerprint,
        now: Int64,
        isNewLife: Bool = false
    ) {
        let harvester = Harvester(
            input: input,
            state: state,
            path: path,
            file: file,
            offset: offset,
            fingerprint: fingerprint,
            size: status.size,
            now: now
        )
        harvester.isOutside = isOutside
        if isNewLife { block(harvester) }
        all[status.key] = harvester
        paths[path] = harvester
        harvester.upkeep.beginAnew(size: status.size)
        watch(harvester)
        closeUnlessItsTurn(harvester, now: now)
        enqueue(harvester)
        metrics.filesKnown.set(all.count)
    }

    /// Forgets a file; its state stays in the registry.
    func remove(_ harvester: Harvester) {
        harvester.close()
        harvester.state.reading = (harvester.offset, harvester.fingerprint)
        turns[harvester.input].leave(harvester)
        if let watch = harvester.watch {
            watches[watch] = nil
            watcher?.remove(watch)
            harvester.watch = nil
        }
        all[harvester.key] = nil
        waiting[harvester.key] = nil
        if paths[harvester.path] === harvester { paths[harvester.path] = nil }
    }

    /// Closes what has been quiet long enough: deleted files for good, others until they change.
    func closeIfQuiet(_ harvester: Harvester, now: Int64) {
        let quiet = now - harvester.lastActivity
        if harvester.isDeleted {
            guard quiet >= Self.deletedGrace, !harvester.hasNews() else { return }
            if harvester.hasRest {
                finishRest(of: harvester)
                return
            }
            noteGivenUp(harvester, reason: "its last line has no end")
            remove(harvester)
            harvester.state.noteEnd(harvester.offset, harvester.fingerprint)
            registry.end(harvester.state)
        } else if quiet >= inputs[harvester.input].closeInactive.nanoseconds, !harvester.hasNews() {
            if harvester.hasRest {
                finishRest(of: harvester)
                return
            }
            if harvester.isOutside { remove(harvester) } else { harvester.close() }
        }
    }

    /// Closes the open file that has been quiet for longest.
    private func closeQuietest() -> Bool {
        let quiet = all.values.filter {
            $0.isOpen && !$0.isQueued && !$0.isDeleted && waiting[$0.key] == nil && !$0.hasNews()
        }
        guard let harvester = quiet.min(by: { $0.lastActivity < $1.lastActivity }) else { return false }
        harvester.close()
        return true
    }

    /// Where the last complete line of a file ends; looks back at most 64 KiB.
    private static func endOfLastLine(raw: Int32, size: Int64) throws(Errno) -> Int64 {
        var tail = ByteBuffer(capacity: 64 * 1024)
        let start = max(size - 64 * 1024, 0)
        try tail.append(raw: raw, start, Int(size - start))
        let feed = tail.withUnsafeBytes { $0.lastIndex(of: UInt8(ascii: "\n")) }
        if let feed { return start + Int64(feed) + 1 }
        return start == 0 ? 0 : size
    }
}
