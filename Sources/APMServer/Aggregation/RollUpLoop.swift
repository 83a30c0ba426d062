import Common

/// What `RollUps` does when: take the workers' tables, close intervals, write checkpoints, send one bulk
/// after the other.
///
/// It reads no clock and waits for nothing. Between flushes nothing is taken from the workers but at
/// checkpoints; while a flush is on its way, however long that takes, intervals stay open and fill up to
/// their limits.
final class RollUpLoop {
    struct Settings {
        /// How often what was counted goes to the file; zero writes none.
        var checkpointInterval: Duration = .seconds(10)
        /// A bulk is closed once it is this large.
        var bulkBytes = 1 << 20
    }

    /// What a step wants next.
    struct Next {
        /// When to step again at the latest, in monotonic nanoseconds.
        var at: Int64
        /// Goes to delivery; its outcome belongs to a later step.
        var bulk: BulkBatch?
    }

    private(set) var state: RollUpState
    private let settings: Settings
    private let file: RollUpCheckpointFile?
    private let documents: RollUpDocuments
    private let metrics: RollUpMetrics
    private let emptyBatch: () -> BulkBatch
    /// Takes what the workers have counted.
    private let takeTables: () -> [RollUpTable]

    /// How far the oldest flush is delivered, and how far with the bulk that is on its way.
    private var delivered = RollUpFlush.Position()
    private var sent: RollUpFlush.Position?
    private var sentDocuments = 0
    private var delay = Backoff(initial: .seconds(1), maximum: .seconds(30))
    private var retryAt = Int64.min
    private var checkpointAt: Int64
    /// Whether the file says something else than `state`.
    private var isDirty = false
    /// Whether the file holds everything that is counted and not delivered.
    private var isCovered = false

    /// - Parameter file: nil for no checkpoints.
    init(
        _ state: RollUpState,
        settings: Settings,
        file: RollUpCheckpointFile?,
        documents: RollUpDocuments,
        metrics: RollUpMetrics,
        monotonic: Int64,
        emptyBatch: @escaping () -> BulkBatch,
        takeTables: @escaping () -> [RollUpTable]
    ) {
        self.state = state
        self.settings = settings
        self.file = settings.checkpointInterval > .zero ? file : nil
        self.documents = documents
        self.metrics = metrics
        self.emptyBatch = emptyBatch
        self.takeTables = takeTables
        checkpointAt = monotonic + settings.checkpointInterval.nanoseconds
    }

    /// Whether everything that was closed is delivered.
    var isDelivered: Bool { state.flushes.isEmpty }

    /// Does what is due.
    ///
    /// - Parameters:
    ///   - now: the wall clock in seconds since 1970.
    ///   - monotonic: nanoseconds.
    ///   - outcome: what became of the bulk that an earlier step sent.
    func step(now: Int64, monotonic: Int64, outcome: Delivery.Outcome?) -> Next {
        if let outcome { settle(outcome, monotonic) }
        state.look(now: now)
        let isBoundary = now >= state.nextBoundary && isDelivered
        if isBoundary {
            collect()
            if state.close(now: now) { saveBeforeDelivery() }
        } else if file != nil, monotonic >= checkpointAt {
            collect()
            save()
        }
        if file != nil, monotonic >= checkpointAt {
            checkpointAt = monotonic + settings.checkpointInterval.nanoseconds
        }
        metrics.show(state.open)
        let bulk = nextBulk(monotonic)
        return Next(at: nextMoment(now, monotonic), bulk: bulk)
    }

    /// Closes every interval: the workers have stopped.
    func closeAll() {
        collect()
        state.closeAll()
        saveBeforeDelivery()
        retryAt = .min
    }

    /// Ends: the file goes when nothing is left in it to deliver.
    func end() {
        let left = state.flushes.reduce(0) { $0 + $1.documentCount }
        guard left > 0 else {
            do { try file?.remove() } catch { Log.warning("roll-ups", ["reason": "\(error)"]) }
            return
        }
        let isKept = isCovered
        if !isKept { metrics.lostDocuments.add(left) }
        Log.warning(
            isKept ? "roll-ups wait in their checkpoint for the next start" : "roll-ups are lost",
            ["documents": String(left)]
        )
    }

    // MARK: - Parts of a step

    private func collect() {
        for table in takeTables() {
            state.merge(table)
            isDirty = true
            isCovered = false
        }
    }

    private func settle(_ outcome: Delivery.Outcome, _ monotonic: Int64) {
        guard let position = sent, let flush = state.flushes.first else { return }
        sent = nil
        guard outcome == .kept else {
            metrics.refusals.add()
            retryAt = monotonic + delay.failed(chance: .random(in: 0...1)).nanoseconds
            return
        }
        delay.succeeded()
        metrics.documents.add(sentDocuments)
        delivered = position
        guard flush.isEnd(position) else { return }
        state.removeFlush()
        delivered = RollUpFlush.Position()
        // The file may keep it until the next checkpoint: sending it again would store nothing.
        isDirty = true
    }

    private func nextBulk(_ monotonic: Int64) -> BulkBatch? {
        guard sent == nil, monotonic >= retryAt, let flush = state.flushes.first else { return nil }
        let batch = emptyBatch()
        sent = flush.write(documents, from: delivered, to: batch, maxBytes: settings.bulkBytes)
        sentDocuments = batch.documentCount
        return batch
    }

    private func nextMoment(_ now: Int64, _ monotonic: Int64) -> Int64 {
        // A look every ten seconds finds a wall clock that was set.
        var next = monotonic + 10_000_000_000
        if isDelivered { next = min(next, monotonic + max(state.nextBoundary - now, 0) * 1_000_000_000) }
        if file != nil { next = min(next, checkpointAt) }
        if sent == nil, !isDelivered { next = min(next, max(retryAt, monotonic)) }
        return next
    }

    // MARK: - Checkpoints

    private func save() {
        guard isDirty else { return }
        _ = write()
    }

    /// Puts a new flush into the file before its first document goes out.
    ///
    /// If that fails, the older content must go: it holds the same counts under no id, and would double them.
    private func saveBeforeDelivery() {
        guard file != nil, !write() else { return }
        do { try file?.remove() } catch {
            Log.error("a crash now may count roll-ups twice", ["reason": "\(error)"])
        }
    }

    private func write() -> Bool {
        do {
            try file?.save(state)
            isDirty = false
            isCovered = true
            return true
        } catch {
            isDirty = true
            metrics.checkpointFailures.add()
            Log.limited(
                .error,
                key: "rollup-checkpoint",
                "cannot write the checkpoint of roll-ups",
                ["reason": "\(error)"]
            )
            return false
        }
    }
}
