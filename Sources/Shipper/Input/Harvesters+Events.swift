import Common
import Glibc

/// What inotify reports, and what is asked for where it cannot tell.
extension Harvesters {
    /// Takes what inotify reported.
    func takeEvents(now: Int64, wall: Int64) {
        var moves = Moves()
        while true {
            do {
                guard let (events, mayHaveMore) = try watcher?.read() else { return }
                for event in events { take(event, &moves, now: now, wall: wall) }
                guard mayHaveMore else { return }
            } catch {
                Log.limited(
                    .error,
                    key: "inotify read",
                    "inotify cannot be read; everything is scanned",
                    ["error": "\(error)"]
                )
                needsScan = true
                return
            }
        }
    }

    /// Renames in the making: a name that left, the one that came, and files that once had a matching name.
    private struct Moves {
        var from: [UInt32: String] = [:]
        var carried: Set<String> = []
        /// Names of files that had a live name before: the logs themselves, never copies of them.
        var originals: Set<String> = []
    }

    private func take(_ event: FileWatcher.Event, _ moves: inout Moves, now: Int64, wall: Int64) {
        let path = directories[event.watch].map { $0 == "/" ? "/" + event.name : $0 + "/" + event.name }
        switch event.kind {
        case .changed:
            guard let harvester = watches[event.watch] else { return }
            guard harvester.isOpen else { return reopen(harvester, now: now) }
            look(at: harvester, now: now, wall: wall)
            enqueue(harvester)
        case .appeared:
            if let path { appeared(path, isCarried: false, now: now, wall: wall) }
        case .movedOut(let cookie):
            moves.from[cookie] = path
        case .movedIn(let cookie):
            guard let path else { return }
            let source = moves.from.removeValue(forKey: cookie)
            let isCarried = source.map { moves.carried.contains($0) || inputIndex(of: $0) != nil } ?? false
            if isCarried { moves.carried.insert(path) }
            let isOriginal =
                source.map { moves.originals.contains($0) || isCarried && !isRotatedName($0) } ?? false
            if isOriginal { moves.originals.insert(path) }
            if let other = paths[path] { noteNameLost(other, now: now) }
            appeared(
                path,
                isCarried: isCarried,
                mayBeCopy: !isOriginal,
                from: source,
                now: now,
                wall: wall
            )
        case .disappeared:
            if let path, let harvester = paths[path] { noteNameLost(harvester, now: now) }
        case .directoryChanged:
            needsScan = true
        case .watchEnded:
            if directories.removeValue(forKey: event.watch) != nil {
                watchedDirectories = watchedDirectories.filter { $0.value != event.watch }
                needsScan = true
            }
            if let harvester = watches.removeValue(forKey: event.watch) { harvester.watch = nil }
        case .overflow:
            needsScan = true
        }
    }

    private func appeared(
        _ path: String,
        isCarried: Bool,
        mayBeCopy: Bool = true,
        from source: String? = nil,
        now: Int64,
        wall: Int64
    ) {
        let matching = inputIndex(of: path)
        guard let input = matching ?? (isCarried ? source.flatMap(inputIndex) ?? 0 : nil) else {
            // A known file may have got a name that no pattern matches.
            if let status = quietStatus(path), let harvester = all[status.key] {
                see(harvester, path, now: now)
            }
            // A link may lead to it.
            if linkDirectories.contains(Path.directory(of: path)) { needsScan = true }
            return
        }
        guard let status = matching == nil ? quietStatus(path) : status(path, input: input),
            status.kind == .regular
        else { return }
        if let harvester = all[status.key] {
            see(harvester, path, now: now)
            harvester.isOutside = matching == nil
            enqueue(harvester)
        } else if !isTooOld(status, input: input, wall: wall) {
            open(path, input: input, now: now, wall: wall, mayBeCopy: mayBeCopy)
        }
    }

    /// Whether rotation may have made this name, as a rename or as a copy, from that of a followed file.
    private func isRotatedName(_ path: String) -> Bool {
        all.values.contains {
            CopyRule.isRotated(path, of: $0.path) || CopyRule.isRotated(path, of: $0.state.path)
        }
    }

    /// A followed file has this name.
    func see(_ harvester: Harvester, _ path: String, now: Int64) {
        guard harvester.path != path else { return }
        // Two names of one file: the first stays while it leads to it.
        if let status = quietStatus(harvester.path), status.key == harvester.key { return }
        if paths[harvester.path] === harvester { paths[harvester.path] = nil }
        harvester.path = path
        paths[path] = harvester
        metrics.renames.add()
    }

    /// A name that led to this file does not any more.
    private func noteNameLost(_ harvester: Harvester, now: Int64) {
        if harvester.isOpen {
            if harvester.hasNews() { enqueue(harvester) }
            guard harvester.isDeleted else { return }
            harvester.lastActivity = now
            harvester.upkeep.deletedAt = now
            if paths[harvester.path] === harvester { paths[harvester.path] = nil }
            metrics.filesDeletedOpen.add(1)
        } else if quietStatus(harvester.path)?.key != harvester.key {
            leave(harvester)
        }
    }

    /// Lets go of a closed file whose name does not lead to it any more; a scan may find it under another.
    private func leave(_ harvester: Harvester) {
        if harvester.upkeep.isWaiting {
            noteGivenUp(harvester, reason: "its name has gone while it waited for its turn (harvester_limit)")
        }
        remove(harvester)
    }

    /// Notices growth, truncation and deletion by asking.
    func poll(_ harvester: Harvester, now: Int64, wall: Int64) {
        if harvester.isOpen {
            let wasDeleted = harvester.isDeleted
            look(at: harvester, now: now, wall: wall)
            if harvester.hasNews() { enqueue(harvester) }
            if harvester.isDeleted, !wasDeleted { harvester.lastActivity = now }
            return
        }
        if harvester.upkeep.inflatedPath != nil { return }
        guard let status = quietStatus(harvester.path), status.key == harvester.key else {
            leave(harvester)
            return
        }
        if harvester.upkeep.isWaiting {
            harvester.knownSize = status.size
            return
        }
        if status.size != harvester.knownSize { reopen(harvester, now: now) }
    }

    func reopen(_ harvester: Harvester, now: Int64) {
        guard !harvester.upkeep.isWaiting else { return }
        do {
            guard let file = try openAgain(harvester) else {
                // Renamed without a word: the scan finds both names.
                remove(harvester)
                needsScan = true
                return
            }
            harvester.reopen(file)
            harvester.lastActivity = now
            if harvester.watch == nil { watch(harvester) }
            closeUnlessItsTurn(harvester, now: now)
            enqueue(harvester)
        } catch {
            noteOpenFailure(harvester.path, error)
        }
    }
}
