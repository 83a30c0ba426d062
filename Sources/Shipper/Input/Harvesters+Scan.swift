import Common
import Glibc

/// What there is: names that the globs find, rotated siblings, directories to watch.
extension Harvesters {
    /// Looks at everything: names, sizes, and what has gone.
    ///
    /// - Parameter wall: seconds since 1970.
    func scan(now: Int64, wall: Int64) {
        needsScan = false
        refreshTimezones()
        watchDirectories()
        var known: [(path: String, input: Int)] = []
        var fresh: [(path: String, input: Int)] = []
        var found: Set<FileKey> = []
        for (index, input) in inputs.enumerated() {
            for finding in input.scanner.scan() {
                guard case .path(let path) = finding else {
                    if case .notUTF8(let name) = finding { skip(name, "its name is not UTF-8") }
                    continue
                }
                guard let status = status(path), found.insert(status.key).inserted else { continue }
                if let harvester = all[status.key] {
                    see(harvester, path, now: now)
                } else if candidates[status.key] == nil {
                    if registry.states[status.key] != nil {
                        known.append((path, index))
                    } else {
                        fresh.append((path, index))
                    }
                }
            }
        }
        if isFirstScan { known += rotatedSiblings(found) }
        for (path, input) in known {
            open(path, input: input, now: now, wall: wall, isOutside: !inputs[input].scanner.matches(path))
        }
        let gone = goneStates()
        for (path, input) in fresh { open(path, input: input, now: now, wall: wall, gone: gone) }
        for harvester in all.values {
            if found.contains(harvester.key) || harvester.isOpen { harvester.state.lastSeen = wall }
            poll(harvester, now: now)
        }
        isFirstScan = false
        hasOriginals = true
        tick(now: now, wall: wall)
        registry.expire(now: wall) { all[$0] != nil }
    }

    /// What has to be asked for again and again: copies in the making, deleted files, files without a watch.
    func tick(now: Int64, wall: Int64) {
        for (key, candidate) in candidates { judge(key, candidate, now: now, wall: wall) }
        finishDueRests(now: now)
        var deleted: [Harvester] = []
        for harvester in all.values {
            if isPolling, harvester.watch == nil { poll(harvester, now: now) }
            if harvester.isDeleted { deleted.append(harvester) }
            if harvester.isOpen, !harvester.isQueued { closeIfQuiet(harvester, now: now) }
        }
        releaseDeleted(deleted.filter { all[$0.key] != nil }, now: now)
        updateGauges()
    }

    /// Summer time begins and ends while the shipper runs.
    private func refreshTimezones() {
        for index in inputs.indices where inputs[index].timezone.text != inputs[index].context.source.timezone
        {
            inputs[index].context.source.timezone = inputs[index].timezone.text
            for harvester in all.values where harvester.input == index { harvester.forgetTemplate() }
        }
    }

    private func updateGauges() {
        var open = 0
        var deleted = 0
        for harvester in all.values {
            if harvester.isOpen { open += 1 }
            if harvester.isDeleted { deleted += 1 }
        }
        metrics.filesKnown.set(all.count)
        metrics.filesOpen.set(open)
        metrics.filesDeletedOpen.set(deleted)
    }

    func goneStates() -> [FileState] {
        guard registry.states.count > all.count else { return [] }
        return registry.states.values.filter { all[$0.key] == nil }
    }

    /// Files of known states that were renamed while nobody watched: they are beside their old name, and the
    /// pattern need not match the new one.
    private func rotatedSiblings(_ found: Set<FileKey>) -> [(path: String, input: Int)] {
        var result: [(path: String, input: Int)] = []
        let missing = registry.states.values.filter { !found.contains($0.key) }
        let wanted = Set(missing.map(\.key))
        for directory in Set(missing.map { Path.directory(of: $0.path) }).sorted() {
            for path in siblings(in: directory) {
                guard let status = quietStatus(path), wanted.contains(status.key), status.kind == .regular,
                    let state = registry.states[status.key], let input = inputIndex(of: state.path)
                else { continue }
                state.lastSeen = max(state.lastSeen, Clock.now.seconds)
                // Also when all is read: its writer may not have reopened its log yet.
                result.append((path, input))
            }
        }
        return result
    }

    func inputIndex(of path: String) -> Int? { inputs.firstIndex { $0.scanner.matches(path) } }

    func siblings(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < Self.maxSiblings, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." {
                names.append(directory == "/" ? "/" + name : directory + "/" + name)
            }
        }
        return names.sorted()
    }

    /// The status of a path that a pattern matched; nil when it cannot be followed, which is told once.
    func status(_ path: String) -> FileStatus? {
        do {
            let status = try FileStatus(path: path)
            switch status.kind {
            case .regular: return status
            case .directory: skip(path, "it is a directory")
            case .other: skip(path, "it is not a regular file")
            }
        } catch {
            // Gone between glob and stat: rotation does that.
            if error != .notFound { skip(path, "\(error)") }
        }
        return nil
    }

    func quietStatus(_ path: String) -> FileStatus? {
        do { return try FileStatus(path: path) } catch { return nil }
    }

    func skip(_ path: String, _ reason: String) {
        guard skipped.count < 10_000, skipped.insert(path).inserted else { return }
        metrics.filesSkipped.add()
        Log.warning("file is skipped", ["path": path, "reason": reason])
    }

    private func watchDirectories() {
        for input in inputs {
            for directory in input.scanner.directories() where watchedDirectories[directory] == nil {
                guard watcher != nil else { return }
                do {
                    guard let watch = try watcher?.watch(directory: directory) else { return }
                    // One directory under two names has one watch; either name finds the files.
                    watchedDirectories[directory] = watch
                    directories[watch] = directory
                } catch {
                    noteWatchFailure(directory, error)
                }
            }
        }
    }

    func noteWatchFailure(_ path: String, _ error: Errno) {
        metrics.watchErrors.add()
        isPolling = true
        let hint = error == .noSpace ? "fs.inotify.max_user_watches is reached; raise it" : "\(error)"
        Log.limited(
            .warning,
            key: "inotify",
            "polling what inotify cannot watch",
            ["path": path, "reason": hint]
        )
    }
}
