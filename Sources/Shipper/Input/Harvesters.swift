import Common
import Glibc

/// All files that are followed: finds them, opens them, keeps them while they have something to read.
///
/// Driven by the event loop, on its thread. Reading is the loop's part: it asks `next` for a file with news.
final class Harvesters {
    /// Deleted files that are held open at most, and for how long: each keeps its disk space in use.
    static let maxDeleted = 1000
    static let maxDeletedAge: Int64 = 24 * 3600 * 1_000_000_000
    /// A deleted file's writer may still have a few lines.
    static let deletedGrace: Int64 = 5_000_000_000
    static let maxCandidates = 64
    /// Names looked at in one directory in search of a rotated file.
    static let maxSiblings = 10_000
    /// How often what inotify cannot tell is asked for, while there is such a thing.
    static let tickInterval: Int64 = 1_000_000_000

    /// A file that may be a copy of another; held open until that is decided.
    private final class Candidate {
        let path: String
        let input: Int
        let isOutside: Bool
        var file: Descriptor?
        var size: Int64
        var since: Int64

        init(path: String, input: Int, isOutside: Bool, file: consuming Descriptor, size: Int64, since: Int64)
        {
            self.path = path
            self.input = input
            self.isOutside = isOutside
            self.file = consume file
            self.size = size
            self.since = since
        }

        func takeFile() -> Descriptor? {
            var taken: Descriptor?
            swap(&taken, &file)
            return taken
        }
    }

    private(set) var inputs: [Input]
    private let registry: Registry
    private let metrics: ShipperMetrics
    private var watcher: FileWatcher?
    private var all: [FileKey: Harvester] = [:]
    private var paths: [String: Harvester] = [:]
    private var watches: [FileWatcher.Watch: Harvester] = [:]
    private var directories: [FileWatcher.Watch: String] = [:]
    private var watchedDirectories: [String: FileWatcher.Watch] = [:]
    private var ready: [Harvester] = []
    private var readyStart = 0
    private var candidates: [FileKey: Candidate] = [:]
    private var skipped: Set<String> = []
    private var isFirstScan = true
    /// The save that files begun anew wait for.
    private var neededSave = 0
    /// Whether a file may be a copy of one that was read: not at the very first start.
    private var hasOriginals: Bool
    private var isPolling = false
    /// Wanted by an event: a scan as soon as possible.
    private(set) var needsScan = true

    /// - Parameter usesInotify: false to poll only, for tests.
    init(inputs: [Input], registry: Registry, metrics: ShipperMetrics, usesInotify: Bool = true) {
        self.inputs = inputs
        self.registry = registry
        self.metrics = metrics
        hasOriginals = !registry.states.isEmpty || !registry.ended.isEmpty
        guard usesInotify else {
            isPolling = true
            return
        }
        do {
            watcher = try FileWatcher()
        } catch {
            isPolling = true
            Log.warning("inotify is not available, files are polled every second", ["error": "\(error)"])
        }
    }

    /// To be registered for reading; nil without inotify.
    var watchDescriptor: Int32? { watcher?.descriptor }

    var harvesters: some Collection<Harvester> { all.values }

    /// Whether `tick` has something to do although nothing happens.
    var needsTick: Bool { isPolling || !candidates.isEmpty || metrics.filesDeletedOpen.current > 0 }

    /// The next file with something to read.
    func next(finishedSaves: Int) -> Harvester? {
        var blocked: [Harvester] = []
        defer { for harvester in blocked { enqueue(harvester) } }
        while readyStart < ready.count {
            let harvester = ready[readyStart]
            readyStart += 1
            dropTaken()
            harvester.isQueued = false
            guard harvester.isOpen else { continue }
            guard harvester.waitsForSave > finishedSaves else { return harvester }
            blocked.append(harvester)
        }
        return nil
    }

    /// Keeps the queue as short as what waits in it, at a constant cost per file taken.
    private func dropTaken() {
        guard readyStart == ready.count || readyStart > max(ready.count / 2, 64) else { return }
        ready.removeFirst(readyStart)
        readyStart = 0
    }

    var isIdle: Bool { ready.isEmpty && candidates.isEmpty && !needsScan }
    var hasReady: Bool { !ready.isEmpty }

    /// Whether a file waits for the registry to be saved before its lines may be sent.
    var waitForSave: Bool { neededSave > registry.finishedSaves }

    func context(of harvester: Harvester) -> Harvester.Context { inputs[harvester.input].context }

    /// Puts a file at the end of those to be read.
    func enqueue(_ harvester: Harvester) {
        guard !harvester.isQueued, harvester.isOpen else { return }
        harvester.isQueued = true
        ready.append(harvester)
    }
}

// MARK: - Finding files

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

    private func goneStates() -> [FileState] {
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

    private func inputIndex(of path: String) -> Int? { inputs.firstIndex { $0.scanner.matches(path) } }

    private func siblings(in directory: String) -> [String] {
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
    private func status(_ path: String) -> FileStatus? {
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

    private func quietStatus(_ path: String) -> FileStatus? {
        do { return try FileStatus(path: path) } catch { return nil }
    }

    private func skip(_ path: String, _ reason: String) {
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

    private func noteWatchFailure(_ path: String, _ error: Errno) {
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

// MARK: - Opening and closing

extension Harvesters {
    /// Opens a file and decides what it is.
    private func open(
        _ path: String,
        input: Int,
        now: Int64,
        wall: Int64,
        isOutside: Bool = false,
        mayBeCopy: Bool = true,
        gone: [FileState]? = nil
    ) {
        do {
            let file = try openFile(path)
            let status = try FileStatus(descriptor: file)
            guard status.kind == .regular, all[status.key] == nil, candidates[status.key] == nil else {
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

    private func openFile(_ path: String) throws(Errno) -> Descriptor {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        do {
            return try Descriptor.open(path, flags)
        } catch {
            guard error.code == EMFILE || error.code == ENFILE, closeQuietest() else { throw error }
        }
        return try Descriptor.open(path, flags)
    }

    private func noteOpenFailure(_ path: String, _ error: Errno) {
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

    private func place(
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
            if hasOriginals, registry.states[status.key] == nil {
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
                follow(file, status, path, input, isOutside, state, state.offset, state.fingerprint, now: now)
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
        if isFirstScan, inputs[input].startsAtEnd {
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
        watch(harvester)
        enqueue(harvester)
        metrics.filesKnown.set(all.count)
    }

    private func watch(_ harvester: Harvester) {
        guard watcher != nil, let raw = harvester.raw else { return }
        do {
            guard let watch = try watcher?.watch(file: raw) else { return }
            harvester.watch = watch
            watches[watch] = harvester
        } catch {
            noteWatchFailure(harvester.path, error)
        }
    }

    /// Forgets a file; its state stays in the registry.
    private func remove(_ harvester: Harvester) {
        harvester.close()
        if let watch = harvester.watch {
            watches[watch] = nil
            watcher?.remove(watch)
            harvester.watch = nil
        }
        all[harvester.key] = nil
        if paths[harvester.path] === harvester { paths[harvester.path] = nil }
    }

    /// Closes what has been quiet long enough: deleted files for good, others until they change.
    private func closeIfQuiet(_ harvester: Harvester, now: Int64) {
        let quiet = now - harvester.lastActivity
        if harvester.isDeleted {
            guard quiet >= Self.deletedGrace, !harvester.hasNews() else { return }
            remove(harvester)
            harvester.state.noteEnd(harvester.offset, harvester.fingerprint)
            registry.end(harvester.state)
        } else if quiet >= inputs[harvester.input].closeInactive.nanoseconds, !harvester.hasNews() {
            if harvester.isOutside { remove(harvester) } else { harvester.close() }
        }
    }

    /// Closes the open file that has been quiet for longest.
    private func closeQuietest() -> Bool {
        let quiet = all.values.filter { $0.isOpen && !$0.isQueued && !$0.isDeleted && !$0.hasNews() }
        guard let harvester = quiet.min(by: { $0.lastActivity < $1.lastActivity }) else { return false }
        harvester.close()
        return true
    }

    /// Gives deleted files up that cost too much disk, and says exactly what is lost.
    private func releaseDeleted(_ deleted: [Harvester], now: Int64) {
        let oldest = deleted.sorted { $0.lastActivity < $1.lastActivity }
        for (index, harvester) in oldest.enumerated() {
            let isTooMany = oldest.count - index > Self.maxDeleted
            guard isTooMany || now - harvester.lastActivity > Self.maxDeletedAge else { return }
            _ = harvester.hasNews()
            let unread = max(harvester.knownSize - harvester.offset, 0)
            if unread > 0 {
                metrics.releasedBytes.add(Int(unread))
                Log.error(
                    "a deleted file is given up unread",
                    [
                        "path": harvester.path, "lost_bytes": "\(unread)",
                        "reason": isTooMany
                            ? "more than \(Self.maxDeleted) deleted files" : "deleted a day ago",
                    ]
                )
            }
            remove(harvester)
            registry.end(harvester.state)
        }
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

// MARK: - Truncation and copies

extension Harvesters {
    /// A file does not hold what was read: begins its next life, and looks for a copy of what it held.
    func truncated(_ harvester: Harvester, now: Int64, wall: Int64) {
        metrics.truncations.add()
        Log.info("file was truncated", ["path": harvester.path, "read_bytes": "\(harvester.offset)"])
        let old = harvester.state
        old.noteEnd(harvester.offset, harvester.fingerprint)
        harvester.restart(as: nextLife(of: old, path: old.path, wall: wall))
        block(harvester)
        enqueue(harvester)
        for (key, candidate) in candidates where CopyRule.isRotated(candidate.path, of: old.path) {
            judge(key, candidate, now: now, wall: wall)
        }
        recoverCopies(of: old, input: harvester.input, now: now, wall: wall)
    }

    /// Holds a new life back until its generation is on disk: after a crash its lines must not come under another.
    private func block(_ harvester: Harvester) {
        neededSave = registry.nextSave
        harvester.waitsForSave = neededSave
    }

    private func nextLife(of old: FileState, path: String, wall: Int64) -> FileState {
        registry.end(old)
        let state = FileState(key: old.key, generation: old.generation &+ 1, path: path, lastSeen: wall)
        registry.add(state)
        return state
    }

    /// Reads the rest of a truncated life from its copy, when the copy is there and no pattern names it.
    private func recoverCopies(of old: FileState, input: Int, now: Int64, wall: Int64) {
        guard old.resumption.offset > 0 else { return }
        for path in siblings(in: Path.directory(of: old.path)) where CopyRule.isRotated(path, of: old.path) {
            guard let status = quietStatus(path), status.kind == .regular, all[status.key] == nil,
                candidates[status.key] == nil, registry.states[status.key] == nil,
                status.size >= old.resumption.offset, !inputs[input].scanner.matches(path)
            else { continue }
            open(path, input: input, now: now, wall: wall, isOutside: true)
        }
    }

    /// Notices truncated originals before a file is taken for a copy of one that is whole.
    private func endTruncatedOriginals(of path: String, now: Int64, wall: Int64) throws(Errno) {
        for harvester in all.values where harvester.offset > 0 && CopyRule.isRotated(path, of: harvester.path)
        {
            guard let raw = harvester.raw, !harvester.isDeleted else { continue }
            if !(try harvester.fingerprint.matches(raw: raw, at: harvester.offset)) {
                truncated(harvester, now: now, wall: wall)
            }
        }
    }

    private func judge(_ key: FileKey, _ candidate: Candidate, now: Int64, wall: Int64) {
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

// MARK: - Events

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
            if harvester.isOpen { enqueue(harvester) } else { reopen(harvester, now: now) }
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
            if let directory = directories.removeValue(forKey: event.watch) {
                watchedDirectories[directory] = nil
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
            return
        }
        guard let status = matching == nil ? quietStatus(path) : status(path), status.kind == .regular else {
            return
        }
        if let harvester = all[status.key] {
            see(harvester, path, now: now)
            harvester.isOutside = matching == nil
            enqueue(harvester)
        } else {
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
    private func see(_ harvester: Harvester, _ path: String, now: Int64) {
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
            if paths[harvester.path] === harvester { paths[harvester.path] = nil }
            metrics.filesDeletedOpen.add(1)
        } else if quietStatus(harvester.path)?.key != harvester.key {
            remove(harvester)
        }
    }

    /// Notices growth, truncation and deletion by asking.
    private func poll(_ harvester: Harvester, now: Int64) {
        if harvester.isOpen {
            let wasDeleted = harvester.isDeleted
            if harvester.hasNews() { enqueue(harvester) }
            if harvester.isDeleted, !wasDeleted { harvester.lastActivity = now }
            return
        }
        guard let status = quietStatus(harvester.path), status.key == harvester.key else {
            remove(harvester)
            return
        }
        if status.size != harvester.knownSize { reopen(harvester, now: now) }
    }

    private func reopen(_ harvester: Harvester, now: Int64) {
        do {
            let file = try openFile(harvester.path)
            guard try FileStatus(descriptor: file).key == harvester.key else {
                // Renamed without a word: the scan finds both names.
                remove(harvester)
                needsScan = true
                return
            }
            harvester.reopen(file)
            harvester.lastActivity = now
            enqueue(harvester)
        } catch {
            noteOpenFailure(harvester.path, error)
        }
    }
}
