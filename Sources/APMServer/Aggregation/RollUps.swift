import Common
import Synchronization

/// Roll-ups of all workers: aggregates what they count and delivers it at the boundaries of 1, 10 and 60
/// minutes.
///
/// One thread; workers never wait for it. It stops after the workers and before delivery.
final class RollUps: Sendable {
    private struct Shared {
        var workers: [RollUpTables] = []
        var outcome: Delivery.Outcome?
        /// Monotonic nanoseconds; set when the service stops.
        var stopsAt: Int64?
        var thread: Thread?
    }

    private let configuration: AggregationConfiguration
    private let hash: KeyedHash
    private let limits: RollUpLimits
    private let sink: DocumentSink
    private let shared: Monitor<Shared>
    /// Until `start`, which gives it to the thread.
    private let prepared: Mutex<RollUpLoop?>

    /// Reads the checkpoint of an earlier run.
    ///
    /// - Parameter directory: where the checkpoint is; nil for no checkpoints.
    /// - Throws: when there is a checkpoint that cannot be read.
    init(
        _ configuration: AggregationConfiguration,
        directory: String?,
        documents: RollUpDocuments,
        sink: DocumentSink,
        metrics: Metrics
    ) throws(AtomicFile.Failure) {
        self.configuration = configuration
        self.sink = sink
        let limits = configuration.limits(memoryBytes: MemoryLimit.bytes)
        self.limits = limits
        let file = directory.map { RollUpCheckpointFile(path: "\($0)/rollups.checkpoint") }
        let now = Clock.now.seconds
        let content = try file?.load()
        // Without checkpoints nothing would replace the file, and the next start would count it again.
        if content != nil, configuration.checkpointInterval == .zero { try file?.remove() }
        let state =
            content.map { RollUpState(restoring: $0, limits: limits, now: now) }
            ?? RollUpState(limits: limits, hash: KeyedHash(), now: now)
        hash = state.hash
        let shared = Monitor(Shared())
        self.shared = shared
        prepared = Mutex(
            RollUpLoop(
                state,
                settings: .init(checkpointInterval: configuration.checkpointInterval),
                file: file,
                documents: documents,
                metrics: RollUpMetrics(metrics),
                monotonic: Clock.monotonic,
                emptyBatch: sink.emptyBatch,
                takeTables: { shared.read { $0.workers }.compactMap { $0.take() } }
            )
        )
    }

    /// The tables of one more worker.
    func makeTables() -> RollUpTables {
        let tables = RollUpTables(limits: limits, hash: hash)
        shared.change { $0.workers.append(tables) }
        return tables
    }

    /// - Throws: when the system has no thread to give.
    func start() throws(Errno) {
        let thread = try Thread("roll-ups") { [self] in run() }
        shared.change { $0.thread = thread }
    }

    /// Closes all intervals and delivers them within `limit`; what is not delivered stays in the checkpoint.
    func stop(within limit: Duration) {
        let thread = shared.change { shared in
            shared.stopsAt = Clock.monotonic + limit.nanoseconds
            defer { shared.thread = nil }
            return shared.thread
        }
        thread?.join()
    }

    private func run() {
        guard let loop = prepared.withLock({ $0.take() }) else { return }
        var wakeAt = Int64.min
        var isStopping = false
        while true {
            let (outcome, stopsAt) = wait(until: wakeAt, isStopping: isStopping)
            if stopsAt != nil, !isStopping {
                isStopping = true
                loop.closeAll()
            }
            let monotonic = Clock.monotonic
            let next = loop.step(now: Clock.now.seconds, monotonic: monotonic, outcome: outcome)
            if let stopsAt, loop.isDelivered || monotonic >= stopsAt { break }
            wakeAt = min(next.at, stopsAt ?? .max)
            if let bulk = next.bulk {
                sink.submit(bulk) { [shared] outcome in shared.change { $0.outcome = outcome } }
            }
        }
        loop.end()
    }

    private func wait(until moment: Int64, isStopping: Bool) -> (outcome: Delivery.Outcome?, stopsAt: Int64?)
    {
        shared.wait { shared in
            let isDue = Clock.monotonic >= moment || (shared.stopsAt != nil && !isStopping)
            guard shared.outcome != nil || isDue else { return .wait(until: moment) }
            defer { shared.outcome = nil }
            return .proceed((shared.outcome, shared.stopsAt))
        }
    }
}
