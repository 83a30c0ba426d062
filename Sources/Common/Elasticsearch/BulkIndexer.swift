import Synchronization

/// Sends batches to the store until every document is stored or a dead letter.
///
/// A bounded queue and some sender threads. Nothing is lost and nothing is given up: what the store cannot take now
/// waits and is tried again for ever, and the one who submitted learns once how it ended.
package final class BulkIndexer: Sendable {
    /// Writes documents that can never be stored to a place that survives a crash; returns when they are there.
    package typealias Bury = @Sendable (BulkBatch, [BulkProgress.Burial]) throws -> Void

    /// Learns how far a batch has come of which documents were turned back.
    package typealias TurnedBack = @Sendable (BulkRemainder) -> Void

    /// Lanes beyond so many share senders with others.
    private static let maxExtraSenders = 64

    private let settings: ElasticsearchSettings
    private let queue: Monitor<BulkQueue>
    private let cancellation = HTTPClient.Cancellation()
    private let metrics: BulkMetrics
    private let bury: Bury
    private let threads: Monitor<[Thread]>
    private let setup = Mutex<ElasticsearchSetup?>(nil)
    /// What there is to know of the store for those who write documents.
    package let traits = StoreTraits()

    /// - Parameters:
    ///   - service: first word of the metrics' names.
    ///   - bury: called by the sender threads, one batch at a time each.
    package init(
        _ settings: ElasticsearchSettings,
        service: String,
        metrics: Metrics,
        bury: @escaping Bury
    ) {
        self.settings = settings
        self.bury = bury
        self.metrics = BulkMetrics(metrics, service: service)
        threads = Monitor([])
        let queue = Monitor(
            BulkQueue(
                hosts: ElasticsearchHosts(settings.hosts, limits: settings.retry),
                maxPendingBytes: settings.maxPendingBytes,
                concurrency: settings.concurrentRequests,
                isSniffing: settings.sniffingInterval != nil
            )
        )
        self.queue = queue
        let name = "\(service)_elasticsearch"
        metrics.gauge("\(name)_pending_bytes", "Bytes of batches not yet complete.") {
            Double(queue.read { $0.pendingBytes })
        }
        metrics.gauge("\(name)_pending_batches", "Batches not yet complete.") {
            Double(queue.read { $0.pendingBatches })
        }
        metrics.gauge("\(name)_live_hosts", "Hosts to which a connection can be made.") {
            Double(queue.read { $0.hosts.liveCount })
        }
        metrics.gauge(
            "\(name)_concurrent_requests_limit",
            "Bulk requests that may be in flight at once just now."
        ) { Double(queue.read { $0.concurrency.limit }) }
        metrics.gauge("\(name)_up", "1 when documents reach the store.") {
            queue.read { $0.health.state(now: Clock.now) } == .down ? 0 : 1
        }
    }

    /// Starts the sender threads.
    ///
    /// No document goes out before `setup` has prepared the store.
    ///
    /// - Parameter lanes: how many will be used, see `addSenders`.
    /// - Throws: when a certificate file or a credential cannot be used, or the system has no thread to give.
    package func start(setup: ElasticsearchSetup? = nil, lanes: Int = 1) throws {
        self.setup.withLock { $0 = setup }
        queue.change { $0.isPrepared = setup == nil }
        warnOfClearText()
        try addSenders(lanes: lanes)
    }

    /// Starts the senders that are missing, so that the first batch of each of so many lanes finds one.
    ///
    /// - Throws: as `start`.
    package func addSenders(lanes: Int) throws {
        let setup = setup.withLock { $0 }
        let wanted = max(settings.concurrentRequests, 1) + min(max(lanes - 1, 0), Self.maxExtraSenders)
        let present = threads.read { $0.count }
        guard present < wanted else { return }
        for number in present + 1...wanted {
            let client = try HTTPClient(settings.http, cancellation: cancellation)
            let sender = BulkSender(
                client: client,
                settings: settings,
                queue: queue,
                metrics: metrics,
                setup: setup,
                traits: traits,
                bury: bury,
                shrink: { [weak self] job in self?.shrink(job) },
                complete: { [weak self] job in self?.complete(job) }
            )
            queue.change { $0.activeSenders += 1 }
            do {
                let thread = try Thread("bulk-\(number)") { sender.run() }
                threads.change { $0.append(thread) }
            } catch {
                queue.change { $0.activeSenders -= 1 }
                client.close()
                throw error
            }
        }
    }

    private func warnOfClearText() {
        if case .none = settings.http.credentials { return }
        for host in settings.hosts where !host.isTLS && !host.isLoopback {
            Log.warning("credentials go over the network in clear text; use https://", ["host": host.origin])
        }
    }

    /// An empty batch to fill, with the memory of a completed one if there is one.
    package func emptyBatch() -> BulkBatch {
        queue.update { $0.spare.popLast() } ?? BulkBatch()
    }

    /// Takes back a batch that is no longer needed, for its memory.
    package func recycle(_ batch: BulkBatch) {
        batch.removeAll(keepingBytes: settings.keptBatchBytes)
        queue.update { queue in
            if queue.spare.count < settings.maxSpareBatches { queue.spare.append(batch) }
        }
    }

    /// Takes a batch over; it must not be changed afterwards.
    ///
    /// Never blocks. `completion` is called exactly once, on another thread, and only for a batch that was taken.
    ///
    /// - Parameter lane: nil for the lane of all who name none.
    /// - Parameter isReturned: at its completion the batch is the caller's again, documents and all, for `recycle`;
    ///   otherwise the indexer empties and keeps it.
    /// - Parameter turnedBack: called, on another thread and before `completion`, each time the store took or refused
    ///   some documents and turned others back: all but the ones it is told are safe.
    /// - Returns: false when too many bytes are pending, or after `stop`: the batch is still the caller's, who asks
    ///   `whenRoom` to be told.
    package func submit(
        _ batch: BulkBatch,
        lane: BulkLane? = nil,
        isReturned: Bool = false,
        turnedBack: TurnedBack? = nil,
        completion: @escaping @Sendable (BulkResult) -> Void
    ) -> Bool {
        let job = BulkJob(
            batch,
            settings.retry,
            lane: lane,
            isReturned: isReturned,
            turnedBack: turnedBack,
            completion
        )
        // Only senders wait while batches are admitted, and one is enough for it.
        return queue.changeForOne { $0.admit(job) }
    }

    /// Calls `wake` once, on another thread, as soon as a batch completes; at once when room is there already.
    ///
    /// - Parameter bytes: of the batch that was not taken.
    package func whenRoom(for bytes: Int = 0, _ wake: @escaping @Sendable () -> Void) {
        let isRoom = queue.change { queue in
            let isFull = queue.isFull(for: bytes)
            if isFull { queue.roomWaiters.append(wake) }
            return !isFull
        }
        if isRoom { wake() }
    }

    /// Whether the store was reached and prepared, so that documents can be stored.
    package var isPrepared: Bool { queue.read { $0.isPrepared } }

    /// Whether documents reach the store, and what is wrong if not.
    package var health: BulkHealth { queue.read { $0.health } }

    /// Ends the senders.
    ///
    /// Requests in flight and ready batches may finish within `limit`; pauses end at once. Then
    /// every batch that is left completes as abandoned.
    package func stop(within limit: Duration) {
        let deadline = Clock.monotonic + limit.nanoseconds
        queue.change { $0.stopsAt = deadline }
        queue.wait { queue -> Monitor<BulkQueue>.Verdict<Void> in
            queue.activeSenders == 0 || Clock.monotonic >= deadline ? .proceed(()) : .wait(until: deadline)
        }
        cancellation.cancel()
        for thread in threads.change({ threads in
            defer { threads = [] }
            return threads
        }) {
            thread.join()
        }
        let (left, waiters) = queue.change { $0.close() }
        for job in left {
            metrics.abandonedBatches.add()
            job.completion(.abandoned)
        }
        for wake in waiters { wake() }
    }

    /// Some documents of the job were turned back: the others are safe, and their memory is given back.
    private func shrink(_ job: BulkJob) {
        guard let turnedBack = job.turnedBack, let waiting = job.waiting else { return }
        let before = job.byteCount
        if let whole = job.shrink(into: { BulkBatch() }) {
            recycle(whole)
            let waiters = queue.update { $0.shrunk(from: before, to: job.byteCount) }
            for wake in waiters { wake() }
        }
        turnedBack(BulkRemainder(waiting: waiting, bytes: job.byteCount, counts: job.counts))
    }

    private func complete(_ job: BulkJob) {
        let counts = job.counts
        if !job.isReturned { recycle(job.batch) }
        let waiters = queue.update { $0.completed(job) }
        job.completion(.complete(counts))
        for wake in waiters { wake() }
    }
}
