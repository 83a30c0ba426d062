import Common

/// The spool's thread: does what `DeliveryQueue` says.
struct SpoolKeeper: @unchecked Sendable {
    // Sendable is true because it is made by `Delivery` and then used by its one thread only.

    let directory: SpoolDirectory
    let queue: Monitor<DeliveryQueue>
    let metrics: DeliveryMetrics
    /// Answers and recycles.
    let perform: @Sendable (DeliveryQueue.Effects) -> Void
    let emptyBatch: @Sendable () -> BulkBatch
    /// Gives a batch read from the spool to the indexer.
    let send: @Sendable (Parcel) -> Void

    /// Runs until the queue says that all is done.
    func run() {
        while true {
            let work = queue.wait { $0.next(now: Clock.monotonic) }
            perform(work.effects)
            write(work)
            for number in work.remove { remove(number) }
            for (number, records) in work.marks { mark(records, in: number) }
            if !work.replay.isEmpty { replay(work.replay) }
            if work.probes { probe() }
            metrics.damagedFiles.set(directory.damagedFiles)
            if work.ends { return }
        }
    }

    private func write(_ work: DeliveryQueue.Work) {
        guard !work.write.isEmpty else { return }
        let time = Clock.now
        let limit = queue.read { $0.limits.spoolBytes }
        // Counted before the batches may be recycled.
        let documents = work.write.map(\.batch.documentCount)
        let (placed, failure) = directory.append(
            work.write.map(\.batch),
            time: time,
            room: work.room,
            maxBytes: limit
        )
        if let failure { Self.logRefusal(batches: work.write.count - placed.count, reason: "\(failure)") }
        metrics.spooledBatches.add(placed.count)
        metrics.spooledDocuments.add(documents.prefix(placed.count).reduce(0, +))
        let effects = queue.update { queue in
            queue.written(work.write, placed, failure, now: Clock.monotonic, time: time)
        }
        let refused = effects.answers.count { $0.outcome == .refused }
        metrics.refusedBatches.add(refused)
        if refused > 0 { metrics.refusedDocuments.add(documents.suffix(refused).reduce(0, +)) }
        perform(effects)
        guard !placed.isEmpty else { return }
        let (waiting, bytes) = queue.read { ($0.ledger.documents, $0.ledger.bytes) }
        Log.limited(
            .info,
            key: "spooled",
            "events wait in the spool until the store takes them",
            ["documents": String(waiting), "bytes": String(bytes), "max_bytes": String(limit)]
        )
    }

    /// Says that agents are told 503, and why.
    static func logRefusal(batches: Int, reason: String) {
        Log.limited(
            .error,
            key: "spool",
            "the spool does not take batches; agents are told to come later",
            ["batches": String(batches), "reason": reason]
        )
    }

    private func remove(_ number: Int) {
        do {
            try directory.remove(number)
            queue.update { $0.removed(number) }
        } catch {
            Log.limited(
                .error,
                key: "spool-remove",
                "cannot delete a finished part of the spool",
                ["reason": "\(error)"]
            )
            queue.update { $0.unmarked(number, [], now: Clock.monotonic) }
        }
    }

    private func mark(_ records: [SpoolRecord], in number: Int) {
        do { try directory.mark(records, in: number) } catch {
            Log.limited(
                .warning,
                key: "spool-mark",
                "cannot note what of the spool is stored; a crash now would send it again",
                ["reason": "\(error)"]
            )
            queue.update { $0.unmarked(number, records, now: Clock.monotonic) }
        }
    }

    private func probe() {
        var failure: SpoolError?
        do {
            try directory.probe()
            Log.info("the spool can be written to again")
        } catch { failure = error }
        queue.update { $0.probed(failure, now: Clock.monotonic, time: Clock.now) }
    }

    // MARK: - Replay

    private func replay(_ ids: [SpoolLedger.RecordID]) {
        let batch = emptyBatch()
        var read: [SpoolLedger.RecordID] = []
        for (index, id) in ids.enumerated() {
            guard let record = queue.read({ $0.ledger[id] }) else { continue }
            do {
                try directory.read(record, of: id.segment, into: batch)
                read.append(id)
            } catch .damaged(let path, let offset) {
                setAside(id, record, path: path, offset: offset)
            } catch .failed(_, let path, .notFound) {
                lost(id, record, path: path)
            } catch {
                unreadable(Array(ids[index...]), error)
                break
            }
        }
        guard !read.isEmpty else {
            perform(DeliveryQueue.Effects(batches: [batch]))
            return
        }
        let now = Clock.monotonic
        let bytes = queue.read { $0.bytes(of: read) }
        let parcel = Parcel(replaying: read, batch, byteCount: bytes, submitted: now)
        metrics.replayedBatches.add(read.count)
        metrics.replayedDocuments.add(batch.documentCount)
        queue.update { $0.replaying(parcel) }
        send(parcel)
    }

    private func setAside(_ id: SpoolLedger.RecordID, _ record: SpoolRecord, path: String, offset: Int) {
        Log.error(
            "a batch of the spool changed on the disk and cannot be sent",
            ["path": path, "offset": String(offset), "documents": String(record.documents)]
        )
        metrics.damagedRecords.add()
        directory.setAside(Int(record.offset)..<record.end, of: id.segment)
        queue.update { $0.damaged(id) }
    }

    /// Someone deleted the segment's file.
    private func lost(_ id: SpoolLedger.RecordID, _ record: SpoolRecord, path: String) {
        Log.error(
            "a batch of the spool is lost: someone deleted its file",
            ["path": path, "documents": String(record.documents)]
        )
        metrics.damagedRecords.add()
        queue.update { $0.damaged(id) }
    }

    private func unreadable(_ ids: [SpoolLedger.RecordID], _ error: SpoolError) {
        Log.limited(
            .error,
            key: "spool-read",
            "cannot read the spool; it is tried again",
            ["reason": "\(error)"]
        )
        queue.update { $0.unreadable(ids, error, now: Clock.monotonic, time: Clock.now) }
    }
}
