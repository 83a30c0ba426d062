import Common
import Glibc
import Synchronization

/// The event loop that owns everything: files, window, connection, registry.
///
/// One thread; only DNS and fsync run elsewhere (`BackgroundCall`). Each turn does what is due and then waits: for a
/// descriptor, or until the next moment at which something is due.
final class ShipperLoop {
    struct Settings: Sendable {
        var flushLatency = Duration.milliseconds(20)
        var registryFlush = Duration.seconds(1)
        var deletedFiles = DeletedFileLimits()
        var shutdownTimeout = Duration.seconds(5)
        /// Ends when everything that was there is stored.
        var isOnce = false
    }

    /// Bytes read from a file at once.
    static let readBytes = 128 * 1024
    /// While no window may be sent, growing files need not be looked at so often; only names must not be missed.
    private static let blockedLatency: Int64 = 250_000_000
    /// Files are read for at most so long (nanoseconds) before everything else has its turn.
    private static let readSlice: Int64 = 500_000_000

    private let settings: Settings
    private let registry: Registry
    private let metrics: ShipperMetrics
    private let reactor: Reactor
    let harvesters: Harvesters
    let client: LumberjackClient
    let saver: RegistrySaver
    private let monitor: ShipperMonitor
    private var queue: EventQueue
    private var buffer = ByteBuffer(capacity: readBytes)
    /// What events begin with: `{"@timestamp":"…","message":"`.
    private var opening = ByteBuffer(capacity: 64)
    private var openingMillisecond: Int64 = -1

    /// When inotify announced events that are not taken yet; nil while there are none.
    private var eventsNoticedAt: Int64?
    private var scanAt: Int64 = 0
    private var tickAt: Int64 = 0
    private var stopAt: Int64?
    /// Events stored at the last scan, and when memory was last given back.
    private var storedAtScan = -1
    private var storedAtTrim = -1
    private var progress: ProgressLine?
    /// Whether reading stopped because its time was over.
    private var isReadingOn = false
    private let configuration: ReloadableConfiguration?
    private let standardInput: StandardInput?
    private var supervision: Supervision

    init(
        settings: Settings,
        limits: EventQueue.Limits,
        inputs: [Input],
        directory: String,
        registry: Registry,
        client: LumberjackClient,
        reactor: Reactor,
        metrics: ShipperMetrics,
        monitor: ShipperMonitor,
        configuration: ReloadableConfiguration? = nil,
        serviceManager: ServiceManager? = nil,
        standardInput: StandardInput? = nil,
        usesInotify: Bool = true,
        descriptors: Int = HarvesterTurns.descriptors()
    ) {
        self.settings = settings
        self.registry = registry
        self.client = client
        self.reactor = reactor
        self.metrics = metrics
        self.monitor = monitor
        self.configuration = configuration
        self.standardInput = standardInput
        supervision = Supervision(serviceManager)
        saver = RegistrySaver(
            registry: registry,
            directory: directory,
            interval: settings.registryFlush,
            metrics: metrics,
            waker: reactor.waker
        )
        queue = EventQueue(limits: limits)
        harvesters = Harvesters(
            inputs: inputs,
            registry: registry,
            metrics: metrics,
            deletedFiles: settings.deletedFiles,
            archives: Archives(directory: directory, waker: reactor.waker),
            usesInotify: usesInotify,
            descriptors: descriptors
        )
        if settings.isOnce { progress = ProgressLine() }
    }

    /// Runs until a signal, a stop request, or (`isOnce`) until all is stored.
    ///
    /// - Parameter signals: from `Signals.receive`; nil in tests.
    /// - Returns: the process's exit code.
    func run(signals descriptor: Int32?) throws(Errno) -> Int32 {
        if let descriptor { try reactor.add(descriptor, .read, token: Reactor.Token.signals) }
        if let descriptor = harvesters.watchDescriptor {
            try reactor.add(descriptor, [.read, .once], token: Reactor.Token.files)
        }
        while true {
            work(now: Clock.monotonic)
            supervision.turned(now: Clock.monotonic, isStopping: stopAt != nil) { statusText }
            if isFinished(now: Clock.monotonic) { break }
            let now = Clock.monotonic
            for event in try reactor.wait(deadline(now: now).map { $0 - now }) {
                switch event.token {
                case Reactor.Token.files: filesChanged(now: Clock.monotonic)
                case Reactor.Token.waker: reactor.waker.reset()
                case Reactor.Token.signals:
                    // Read away, or the descriptor stays readable and one signal counts as two.
                    switch descriptor.flatMap(Signals.next(fromRaw:)) {
                    case nil: break
                    case SIGHUP: reload()
                    default: stop(now: Clock.monotonic)
                    }
                default: client.handle(event, now: Clock.monotonic)
                }
            }
        }
        return finish()
    }
}

// MARK: - One turn

extension ShipperLoop {
    private func work(now: Int64) {
        if monitor.isStopRequested { stop(now: now) }
        client.tick(now: now)
        takeStored()
        takeFileEvents(now: now)
        if stopAt == nil { look(now: now) }
        if settings.isOnce, isEverythingSent { harvesters.finishRests() }
        saver.finish()
        if stopAt == nil { pump(now: now) }
        takeStored()
        saver.begin(now: now, isAwaited: harvesters.waitForSave)
        monitor.answer { report(now: now) }
        progress?.update(done: metrics.bytesStored.total, lag: totalLag, now: now)
    }

    /// Scans for files and looks after those that inotify cannot tell about.
    private func look(now: Int64) {
        let wall = Clock.now.seconds
        if standardInput?.takeEnd() == true { harvesters.needsScan = true }
        if now >= scanAt || harvesters.needsScan {
            harvesters.scan(now: now, wall: wall)
            standardInput?.removeStored(registry)
            noteWaiting(now: now)
            trimIfIdle()
            let interval = harvesters.inputs.map(\.scanInterval).min() ?? .seconds(10)
            scanAt = Clock.monotonic + interval.nanoseconds
            tickAt = now + Harvesters.tickInterval
        } else if harvesters.needsTick, now >= tickAt {
            harvesters.tick(now: now, wall: wall)
            tickAt = now + Harvesters.tickInterval
        }
        harvesters.takeInflated(now: now, wall: wall)
    }

    /// Gives memory back when a whole scan interval passed without an event, once.
    private func trimIfIdle() {
        let stored = metrics.eventsStored.total
        defer { storedAtScan = stored }
        guard stored == storedAtScan, stored != storedAtTrim, client.outstanding == 0 else { return }
        storedAtTrim = stored
        queue.releaseMemory()
        IdleMemory.release()
    }

    /// Reads files into windows as long as there is something to read and a window may be sent.
    private func pump(now: Int64) {
        let end = Clock.monotonic + Self.readSlice
        isReadingOn = false
        while !isReadingOn, client.hasRoom,
            let harvester = harvesters.next(finishedSaves: registry.finishedSaves)
        {
            refreshOpening()
            queue.maxEvents = client.windowEvents
            let outcome = harvester.read(
                into: &queue,
                buffer: &buffer,
                opening: opening,
                context: harvesters.context(of: harvester),
                now: now
            )
            harvesters.noteRest(of: harvester)
            switch outcome {
            case .drained: harvesters.drained(harvester, now: now)
            case .more: harvesters.enqueue(harvester)
            case .full:
                harvesters.enqueue(harvester)
                submit(now: now)
            case .named:
                registry.moved()
                harvesters.block(harvester)
                harvesters.enqueue(harvester)
            case .truncated: harvesters.truncated(harvester, now: now, wall: Clock.now.seconds)
            case .failed(let error):
                metrics.readErrors.add()
                Log.limited(
                    .error,
                    key: "read " + harvester.path,
                    "file cannot be read; it is tried again",
                    ["path": harvester.path, "error": "\(error)"]
                )
            }
            harvester.noteLag(now: now)
            harvesters.closeIfEnded(harvester, isDrained: outcome == .drained)
            if queue.isFull { submit(now: now) }
            isReadingOn = Clock.monotonic >= end
        }
        // Nothing more to read: what there is goes at once, if it may.
        if client.hasRoom { submit(now: now) }
    }

    private func submit(now: Int64) {
        if queue.hasEvents {
            client.submit(queue.seal(), now: now)
        } else if !queue.isEmpty {
            let progress = queue.takeProgress()
            if !client.attach(progress) {
                for entry in progress {
                    entry.file.advance(to: entry.offset, entry.fingerprint)
                    entry.file.lag.store(entry.offset, now: now)
                }
                registry.moved()
            }
        }
    }

    private func takeStored() {
        for batch in client.takeStored() {
            batch.store()
            let now = Clock.monotonic
            for entry in batch.progress { entry.file.lag.store(entry.file.offset, now: now) }
            metrics.eventsStored.add(Int(batch.count))
            metrics.bytesStored.add(batch.lineBytes)
            registry.moved()
            queue.recycle(batch)
        }
    }

    private func refreshOpening() {
        let millisecond = Clock.now.nanoseconds / 1_000_000
        guard millisecond != openingMillisecond else { return }
        openingMillisecond = millisecond
        opening.removeAll()
        opening.append(#"{"@timestamp":""# as StaticString)
        opening.append(iso8601: CalendarTime(nanoseconds: millisecond * 1_000_000))
        opening.append(#"","message":""# as StaticString)
    }

    var totalLag: Int64 { harvesters.harvesters.reduce(0) { $0 + $1.lag } }
}

// MARK: - File events

extension ShipperLoop {
    /// Takes notice that inotify has something.
    ///
    /// A file that grows does so many times: what follows within `flush_latency` is taken
    /// together, and the descriptor, registered to report once, is silent meanwhile.
    private func filesChanged(now: Int64) {
        if eventsNoticedAt == nil { eventsNoticedAt = now }
    }

    /// When events are taken: earlier once a window may be sent again.
    private var takeEventsAt: Int64? {
        eventsNoticedAt.map {
            $0 + max(settings.flushLatency.nanoseconds, client.hasRoom ? 0 : Self.blockedLatency)
        }
    }

    private func takeFileEvents(now: Int64) {
        guard let moment = takeEventsAt, now >= moment else { return }
        eventsNoticedAt = nil
        harvesters.takeEvents(now: now, wall: Clock.now.seconds)
        noteWaiting(now: now)
        watchFiles()
    }

    private func watchFiles() {
        guard let descriptor = harvesters.watchDescriptor else { return }
        do {
            try reactor.change(descriptor, [.read, .once], token: Reactor.Token.files)
        } catch {
            Log.limited(
                .error,
                key: "epoll files",
                "cannot watch inotify; files are scanned",
                ["error": "\(error)"]
            )
        }
    }
}

// MARK: - Reloading

extension ShipperLoop {
    private func reload() {
        guard let configuration, stopAt == nil else { return }
        supervision.reloading(now: Clock.monotonic)
        switch configuration.read() {
        case .inputs(let inputs):
            metrics.reloads.add()
            harvesters.reload(inputs, now: Clock.monotonic)
        case .refused: metrics.reloadErrors.add()
        }
        supervision.reloaded()
    }
}

// MARK: - Ending

extension ShipperLoop {
    private func stop(now: Int64) {
        guard stopAt == nil else {
            // The second signal: now.
            stopAt = now
            return
        }
        supervision.stopping()
        Log.info("stopping", ["windows_outstanding": "\(client.outstanding)"])
        stopAt = now + settings.shutdownTimeout.nanoseconds
    }

    private func isFinished(now: Int64) -> Bool {
        if let stopAt {
            // Without a connection no ack can come.
            return now >= stopAt || client.outstanding == 0 || !client.isConnected
        }
        return settings.isOnce && isEverythingSent && !harvesters.hasRests && standardInput?.isAtEnd != false
    }

    /// Whether all whole lines are stored by the receiver.
    private var isEverythingSent: Bool { harvesters.isIdle && queue.isEmpty && client.outstanding == 0 }

    private func finish() -> Int32 {
        client.close()
        progress?.end(done: metrics.bytesStored.total)
        harvesters.noteDeletedAtEnd()
        harvesters.endArchives()
        standardInput?.removeStored(registry)
        if client.outstanding > 0 {
            Log.warning(
                "ended without acks: these windows are sent again",
                ["windows": "\(client.outstanding)"]
            )
        }
        return saver.saveAtEnd() ? Program.ExitCode.success : Program.ExitCode.failure
    }

    /// The next moment at which something is due; nil when only events count.
    private func deadline(now: Int64) -> Int64? {
        var moments: [Int64] = []
        if let moment = client.deadline { moments.append(moment) }
        if let moment = takeEventsAt { moments.append(moment) }
        if let moment = saver.deadline { moments.append(moment) }
        if let stopAt {
            moments.append(stopAt)
        } else {
            moments.append(harvesters.needsScan ? now : scanAt)
            if harvesters.needsTick { moments.append(tickAt) }
        }
        if isReadingOn, stopAt == nil, client.hasRoom { moments.append(now) }
        if let moment = supervision.deadline { moments.append(moment) }
        if progress != nil { moments.append(now + ProgressLine.interval) }
        if settings.isOnce, isEverythingSent, harvesters.hasRests { moments.append(now) }
        return moments.min()
    }
}
