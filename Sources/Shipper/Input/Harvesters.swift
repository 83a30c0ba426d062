import Common
import Glibc

/// All files that are followed: finds them, opens them, keeps them while they have something to read.
///
/// Driven by the event loop, on its thread. Reading is the loop's part: it asks `next` for a file with news.
final class Harvesters {
    /// A deleted file's writer may still have a few lines.
    static let deletedGrace: Int64 = 5_000_000_000
    static let maxCandidates = 64
    /// Names that are remembered as skipped, or as not watched: each is told once.
    static let maxSkipped = 10_000
    /// Names looked at in one directory in search of a rotated file.
    static let maxSiblings = 10_000
    /// How often what inotify cannot tell is asked for, while there is such a thing.
    static let tickInterval: Int64 = 1_000_000_000

    /// A file that may be a copy of another; held open until that is decided.
    final class Candidate {
        let path: String
        var input: Int
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

    var inputs: [Input]
    let registry: Registry
    let metrics: ShipperMetrics
    var watcher: FileWatcher?
    var all: [FileKey: Harvester] = [:]
    var paths: [String: Harvester] = [:]
    var watches: [FileWatcher.Watch: Harvester] = [:]
    var directories: [FileWatcher.Watch: String] = [:]
    var watchedDirectories: [String: FileWatcher.Watch] = [:]
    private var ready: [Harvester] = []
    private var readyStart = 0
    var candidates: [FileKey: Candidate] = [:]
    /// Files with an event that waits for more lines.
    var waiting: [FileKey: Harvester] = [:]
    var skipped: Set<String> = []
    let deletedFiles: DeletedFileLimits
    /// By input.
    var turns: [HarvesterTurns]
    /// Of the inputs without a limit of their own.
    var sharedTurns: HarvesterTurns
    /// nil without a place to inflate compressed files into.
    let archives: Archives?
    /// Losses that a copy may turn out not to be.
    var overwritten: [Overwritten] = []
    /// Scans ended.
    var scans = 0
    /// Directories of files that links lead to.
    var linkDirectories: Set<String> = []
    var unwatchedDirectories: Set<String> = []
    var watchFailures: Set<String> = []
    var isFirstScan = true
    /// The inputs before a reload, until the first scan after it.
    var inputsBefore: [Input] = []
    /// The save that files begun anew wait for.
    var neededSave = 0
    /// Whether a file may be a copy of one that was read: not at the very first start.
    var hasOriginals: Bool
    var isPolling = false
    /// Wanted by an event: a scan as soon as possible.
    var needsScan = true

    /// - Parameters:
    ///   - usesInotify: false to poll only, for tests.
    ///   - descriptors: files that may be open at once.
    init(
        inputs: [Input],
        registry: Registry,
        metrics: ShipperMetrics,
        deletedFiles: DeletedFileLimits = DeletedFileLimits(),
        archives: Archives? = nil,
        usesInotify: Bool = true,
        descriptors: Int = HarvesterTurns.descriptors()
    ) {
        sharedTurns = HarvesterTurns(limit: descriptors)
        turns = Self.turns(inputs, sharing: sharedTurns)
        self.archives = archives
        self.inputs = inputs
        self.deletedFiles = deletedFiles
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
    var needsTick: Bool {
        isPolling || !candidates.isEmpty || metrics.filesDeletedOpen.current > 0 || !waiting.isEmpty
            || metrics.filesWaiting.current > 0 || archives?.isIdle == false
    }

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

    /// Notes whether a file that was just read has an event that waits for more lines.
    func noteRest(of harvester: Harvester) {
        guard harvester.assembly != nil || waiting[harvester.key] != nil else { return }
        waiting[harvester.key] = harvester.restDeadline(context(of: harvester)) == nil ? nil : harvester
    }

    /// Has events sent that have waited long enough for more lines.
    func finishDueRests(now: Int64) {
        for (key, harvester) in waiting {
            guard harvester.isOpen, let deadline = harvester.restDeadline(context(of: harvester)) else {
                waiting[key] = nil
                continue
            }
            if deadline <= now { enqueue(harvester) }
        }
    }

    /// Whether something was read that is not complete.
    var hasRests: Bool { all.values.contains { $0.isOpen && $0.hasRest } }

    /// Has everything sent that was read, events and lines that are not complete too.
    func finishRests() {
        for harvester in all.values where harvester.isOpen && harvester.hasRest { finishRest(of: harvester) }
    }

    func finishRest(of harvester: Harvester) {
        harvester.rest = .everything
        enqueue(harvester)
    }

    var isIdle: Bool {
        ready.isEmpty && candidates.isEmpty && !needsScan && waitingCount == 0 && archives?.isIdle != false
    }
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
