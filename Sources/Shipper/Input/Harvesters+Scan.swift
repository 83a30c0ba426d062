import Common
import Glibc

/// What there is: names that the globs find, rotated siblings, directories to watch.
extension Harvesters {
    /// Looks at everything: names, sizes, and what has gone.
    ///
    /// - Parameter wall: seconds since 1970.
    func scan(now: Int64, wall: Int64) {
        needsScan = false
        registry.observe(now: now, wall: wall)
        refreshTimezones()
        watchDirectories()
        var known: [(path: String, input: Int)] = []
        var fresh: [(path: String, input: Int)] = []
        var found: Set<FileKey> = []
        for (path, index) in names() {
            guard let status = status(path, input: index), found.insert(status.key).inserted else { continue }
            if let harvester = all[status.key] {
                see(harvester, path, now: now)
            } else if candidates[status.key] == nil {
                let state = registry.states[status.key]
                state?.lastSeen = wall
                if let archives,
                    archives.done[status.key] == status.size || archives.waiting[status.key]?.path == path
                {
                    continue
                }
                if isTooOld(status, input: index, wall: wall) { continue }
                if state != nil { known.append((path, index)) } else { fresh.append((path, index)) }
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
            poll(harvester, now: now, wall: wall)
        }
        isFirstScan = false
        inputsBefore = []
        hasOriginals = true
        scans += 1
        archives?.forget(allBut: found)
        settleOverwritten(now: now, wall: wall)
        watchRest()
        tick(now: now, wall: wall)
        expire()
    }

    /// All names that the patterns match, those that are links last: a file with both is known by its own.
    private func names() -> [(path: String, input: Int)] {
        var names: [(path: String, input: Int)] = []
        var links: [(path: String, input: Int)] = []
        for (index, input) in inputs.enumerated() {
            for finding in input.scanner.scan() {
                switch finding {
                case .path(let path):
                    if input.files.symlinks, isLink(path) {
                        noteLink(path)
                        links.append((path, index))
                    } else {
                        names.append((path, index))
                    }
                case .notUTF8(let name): skip(name, "its name is not UTF-8")
                }
            }
        }
        return names + links
    }

    private func isLink(_ path: String) -> Bool {
        do { return try FileStatus(path: path, followsLinks: false).kind == .link } catch { return false }
    }

    /// Whether a file is left alone because of `ignore_older`: unknown or read to its end, and not changed since.
    func isTooOld(_ status: FileStatus, input: Int, wall: Int64) -> Bool {
        let limit = inputs[input].files.ignoreOlder
        guard limit > .zero, wall - status.modified > limit.components.seconds else { return false }
        guard let state = registry.states[status.key] else { return true }
        return state.offset == status.size
    }

    private func expire() {
        let common = inputs.first?.files.retention ?? StateRetention()
        let isSame = inputs.allSatisfy { $0.files.retention == common }
        registry.expire(isOpen: { all[$0] != nil }) { state in
            // Patterns are dear, and most configurations have one rule.
            isSame
                ? common : inputIndex(of: state.path).map { inputs[$0].files.retention } ?? StateRetention()
        }
    }

    /// What has to be asked for again and again: copies in the making, deleted files, files without a watch.
    func tick(now: Int64, wall: Int64) {
        for (key, candidate) in candidates { judge(key, candidate, now: now, wall: wall) }
        finishDueRests(now: now)
        for harvester in all.values {
            if isPolling, harvester.watch == nil { poll(harvester, now: now, wall: wall) }
            if harvester.isOpen, !harvester.isQueued { closeIfQuiet(harvester, now: now) }
        }
        releaseDeleted(now: now)
        admitWaiting(now: now)
        beginNextArchive(now: now)
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
        metrics.filesKnown.set(all.count)
        metrics.filesOpen.set(all.values.count { $0.isOpen })
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
        var states: [String: [(state: FileState, input: Int)]] = [:]
        for state in missing {
            guard let input = inputIndex(of: state.path) else { continue }
            for directory in directoriesBeside(state.path, input: input) {
                states[directory, default: []].append((state, input))
            }
        }
        for (directory, gone) in states.sorted(by: { $0.key < $1.key }) {
            for path in siblings(in: directory) {
                if path.hasSuffix(".gz"),
                    let input = gone.first(where: { CopyRule.isRotated(path, of: $0.state.path) })?.input
                {
                    if !inputs[input].scanner.matches(path) { result.append((path, input)) }
                    continue
                }
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
    func status(_ path: String, input: Int) -> FileStatus? {
        do {
            let status = try FileStatus(path: path, followsLinks: inputs[input].files.symlinks)
            switch status.kind {
            case .regular: return status
            case .directory: skip(path, "it is a directory")
            case .link: skip(path, "it is a symbolic link; symlinks: true follows it")
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
        guard skipped.count < Self.maxSkipped, skipped.insert(path).inserted else { return }
        metrics.filesSkipped.add()
        Log.warning("file is skipped", ["path": path, "reason": reason])
    }
}
