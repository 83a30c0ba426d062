import Common
import Synchronization

/// Takes batches of documents over and answers once each is safe: stored in Elasticsearch, or in the spool on disk.
///
/// A batch goes to the store at once. When the store has not taken it after a while its bytes go to the spool as
/// well and it counts as kept; the first try goes on and its success takes it out of the spool again. Batches for
/// which there is no memory go to the spool only, and are read back when there is room.
final class Delivery: Sendable {
    /// What became of a batch.
    enum Outcome: Equatable, Sendable {
        /// Every document is stored, a dead letter, or in the spool: the agents may be told 202.
        case kept
        /// The spool is full (or the service stops): the agents must be told 503.
        case refused
    }

    /// Above this the spool is a reason to be unhealthy: someone can still act.
    private static let worryingFill = 0.8
    /// Memory of batches kept for reuse: how many, and bytes in each.
    private static let (maxSpareBatches, keptBatchBytes) = (32, 1 << 20)

    private let settings: DeliverySettings
    private let lock: DataDirectory
    private let indexer: BulkIndexer
    private let queue: Monitor<DeliveryQueue>
    private let metrics: DeliveryMetrics
    /// Waits for `start`, which gives it to the spool's thread.
    private let directory: Mutex<SpoolDirectory?>
    private let thread = Mutex<Thread?>(nil)

    /// Locks the data directory and reads the spool of an earlier run; nothing is sent yet.
    ///
    /// - Throws: when another process has the directory, or it cannot be read or written.
    init(_ settings: DeliverySettings, metrics registry: Metrics) throws {
        self.settings = settings
        lock = try DataDirectory(settings.dataDirectory)
        let deadLetters = try DeadLetterFile(
            directory: settings.dataDirectory + "/dead-letters",
            limits: settings.deadLetters,
            removals: DeadLetterRemovals(registry, service: "apm_server")
        )
        let directory = SpoolDirectory(settings.dataDirectory + "/spool")
        let ledger = try SpoolRecovery.run(directory)
        metrics = DeliveryMetrics(registry)
        metrics.damagedFiles.set(directory.damagedFiles)
        queue = Monitor(DeliveryQueue(settings.limits, ledger))
        self.directory = Mutex(directory)
        var output = settings.elasticsearch
        // The queue counts; the indexer refuses nothing but what comes after its end.
        output.maxPendingBytes = .max
        output.maxSpareBatches = Self.maxSpareBatches
        output.keptBatchBytes = Self.keptBatchBytes
        indexer = BulkIndexer(output, service: "apm_server", metrics: registry) { batch, burials in
            try deadLetters.append(burials, of: batch)
        }
        DeliveryMetrics.register(queue, in: registry)
        registry.gauge("apm_server_dead_letter_bytes", "Bytes of dead letters on the disk.") {
            Double(deadLetters.totalBytes)
        }
    }

    /// Starts the threads; what an earlier run left in the spool goes out first.
    ///
    /// - Throws: when a certificate or credential cannot be used, or the system has no thread to give.
    func start() throws {
        guard let directory = directory.withLock({ $0.take() }) else { fatalError("delivery started twice") }
        try indexer.start(setup: settings.schema.map { ElasticsearchSetup($0) })
        let keeper = SpoolKeeper(
            directory: directory,
            queue: queue,
            metrics: metrics,
            perform: { [self] in perform($0) },
            emptyBatch: { [self] in emptyBatch() },
            send: { [self] in send($0) }
        )
        let thread = try Thread("spool") { keeper.run() }
        self.thread.withLock { $0 = thread }
    }

    /// An empty batch to fill.
    func emptyBatch() -> BulkBatch { indexer.emptyBatch() }

    /// Takes a batch over; never blocks.
    ///
    /// `completion` is called exactly once, on another thread or at once.
    func submit(_ batch: BulkBatch, completion: @escaping @Sendable (Outcome) -> Void) {
        guard !batch.isEmpty else {
            indexer.recycle(batch)
            completion(.kept)
            return
        }
        let now = Clock.monotonic
        let parcel = Parcel(batch, submitted: now, completion: completion)
        let (admission, wakes) = queue.update { $0.admit(parcel, now: now) }
        if wakes { wakeKeeper() }
        switch admission {
        case .send: send(parcel)
        case .write: break
        case .refuse:
            if let reason = queue.read({ $0.refusal(of: parcel.byteCount) }) {
                SpoolKeeper.logRefusal(batches: 1, reason: reason)
            }
            metrics.refusedBatches.add()
            metrics.refusedDocuments.add(batch.documentCount)
            indexer.recycle(batch)
            completion(.refused)
        }
    }

    private func send(_ parcel: Parcel) {
        let isTaken = indexer.submit(parcel.batch, isReturned: true) { [self] in completed(parcel, $0) }
        if !isTaken { completed(parcel, .abandoned) }
    }

    private func completed(_ parcel: Parcel, _ result: BulkResult) {
        let effects = queue.update { queue in
            switch result {
            case .complete: queue.stored(parcel, now: Clock.monotonic)
            case .abandoned: queue.abandoned(parcel)
            }
        }
        if effects.wakes { wakeKeeper() }
        perform(effects)
    }

    private func perform(_ effects: DeliveryQueue.Effects) {
        for batch in effects.batches { indexer.recycle(batch) }
        for (completion, outcome) in effects.answers { completion(outcome) }
    }

    private func wakeKeeper() { queue.change { _ in } }

    /// What is known of the store for those who write documents.
    var traits: StoreTraits { indexer.traits }

    /// Whether the store was reached and prepared.
    var isReady: Bool { indexer.isPrepared }

    /// Whether documents reach the store and the spool has room, and what is wrong if not.
    var health: Health {
        var reasons: [String] = []
        if let problem = indexer.health.worst(now: Clock.now), problem.state == .down {
            reasons.append("\(problem.reason) (since \(problem.since.iso8601))")
        }
        let (fill, problem) = queue.read { ($0.fill, $0.problem) }
        if let problem {
            reasons.append("the spool cannot be used: \(problem.reason) (since \(problem.since.iso8601))")
        }
        if fill > Self.worryingFill {
            reasons.append(
                "the spool is \(Int(fill * 100)) % full (spool.max_bytes \(settings.limits.spoolBytes)); "
                    + "what agents send is refused when it is full"
            )
        }
        return Health(reasons: reasons)
    }

    /// Ends all threads.
    ///
    /// Bulks may finish within `limit`. What is not stored then goes to the spool, and comes out of it at the next
    /// start; this returns when it is on the disk.
    func stop(within limit: Duration) {
        queue.change { $0.stop() }
        indexer.stop(within: limit)
        wakeKeeper()
        thread.withLock { $0.take() }?.join()
        let (records, documents) = queue.read { ($0.ledger.records, $0.ledger.documents) }
        guard records > 0 else { return }
        Log.info(
            "the spool keeps documents for the next start",
            ["batches": String(records), "documents": String(documents)]
        )
    }
}
