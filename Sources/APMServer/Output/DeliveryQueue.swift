import Common

/// Where every batch is and what happens to it next: store first, spool when the store is slow.
///
/// Pure bookkeeping under the lock of `Delivery`: it opens no file, sends nothing and reads no clock.
struct DeliveryQueue {
    struct Limits: Equatable, Sendable {
        /// A batch that is not stored after this goes to the spool, nanoseconds.
        var after: Int64 = 1_000_000_000
        /// Of batches in memory that come from agents and are on their way to the store.
        var memoryBytes = 16 << 20
        /// Of batches in memory that wait for the disk.
        var writeBytes = 16 << 20
        /// Of batches in memory that come from the spool.
        var replayBytes = 4 << 20
        /// Records of the spool are joined into batches of this size.
        var replayBatchBytes = 1 << 20
        /// Of the spool on the disk.
        var spoolBytes = 1 << 30
    }

    /// Where a batch goes first.
    enum Admission: Equatable { case send, write, refuse }

    /// What the spool's thread does next, in this order.
    struct Work {
        /// Batches to append; `written` must follow.
        var write: [Parcel] = []
        /// Bytes that the spool may grow by.
        var room = 0
        /// Segments to delete; `removed` must follow.
        var remove: [Int] = []
        /// Records to mark done, by segment.
        var marks: [Int: [SpoolRecord]] = [:]
        /// Records to read and send; `replaying` or `unreadable` must follow for each.
        var replay: [SpoolLedger.RecordID] = []
        /// See whether the disk can be written to again; `probed` must follow.
        var probes = false
        /// The service stops and nothing is left to do.
        var ends = false
        /// To be done without the lock before anything else.
        var effects = Effects()

        var isEmpty: Bool {
            write.isEmpty && remove.isEmpty && marks.isEmpty && replay.isEmpty && !probes && effects.isEmpty
        }
    }

    /// What follows from an event, to be done without the lock.
    struct Effects {
        var answers: [(completion: Parcel.Completion, outcome: Delivery.Outcome)] = []
        /// No longer needed.
        var batches: [BulkBatch] = []
        /// The spool's thread has something to do.
        var wakes = false

        var isEmpty: Bool { answers.isEmpty && batches.isEmpty }

        mutating func answer(_ parcel: Parcel, _ outcome: Delivery.Outcome) {
            guard let completion = parcel.completion else { return }
            parcel.completion = nil
            answers.append((completion, outcome))
        }
    }

    /// Why the spool cannot be written to, and since when.
    struct Problem: Equatable, Sendable {
        let reason: String
        let since: CalendarTime
    }

    /// After a failure the disk is asked again this often.
    static let retryInterval: Int64 = 5_000_000_000
    private static let longestSleep: Int64 = 60_000_000_000

    let limits: Limits
    private(set) var ledger: SpoolLedger
    /// Of batches from agents in the indexer; from the spool; and of those that wait to be written.
    private(set) var freshBytes = 0
    private(set) var replayBytes = 0
    private(set) var writeBytes = 0
    private(set) var problem: Problem?
    /// The store lately took longer than `after`: batches go to the spool at once, so that agents need not wait.
    private(set) var isSlow = false
    private(set) var hasEnded = false
    private var isStopping = false
    private var sending = 0
    /// In the indexer and not yet in the spool, oldest first; finished ones stay until they come to the front.
    private var aging = ParcelLine()
    private var toWrite: [Parcel] = []
    private var marks: [Int: [SpoolRecord]] = [:]
    /// Until when the spool's thread sleeps if nobody wakes it.
    private var sleepsUntil = Int64.min
    private var probesAt = Int64.max
    /// No marks, deletions and reads before this.
    private var restsUntil = Int64.min

    init(_ limits: Limits, _ ledger: SpoolLedger) {
        self.limits = limits
        self.ledger = ledger
    }

    /// How full the spool is, from 0 to 1.
    var fill: Double { Double(ledger.bytes) / Double(limits.spoolBytes) }

    // MARK: - Batches from agents

    /// - Returns: where the batch goes, and whether the spool's thread must be woken. After `refuse` the queue knows
    ///   nothing of it.
    mutating func admit(_ parcel: Parcel, now: Int64) -> (Admission, wakes: Bool) {
        guard !hasEnded else { return (.refuse, false) }
        let size = parcel.byteCount
        let hasRoom = hasRoom(for: size)
        if !isStopping, freshBytes == 0 || freshBytes + size <= limits.memoryBytes {
            began(parcel)
            if isSlow, hasRoom, problem == nil {
                queue(parcel)
                return (.send, true)
            }
            aging.append(parcel)
            return (.send, now + limits.after < sleepsUntil)
        }
        guard hasRoom, writeBytes == 0 || writeBytes + size <= limits.writeBytes else {
            return (.refuse, false)
        }
        queue(parcel)
        return (.write, true)
    }

    private func hasRoom(for size: Int) -> Bool {
        ledger.bytes + writeBytes + size + SpoolFormat.recordHeaderBytes <= limits.spoolBytes
    }

    /// Why a batch of that size is refused, for the log; nil when the service stops, which is told elsewhere.
    func refusal(of size: Int) -> String? {
        guard !isStopping, !hasEnded else { return nil }
        guard hasRoom(for: size) else { return SpoolError.full(maxBytes: limits.spoolBytes).description }
        return "the disk is slower than what agents send"
    }

    private mutating func began(_ parcel: Parcel) {
        parcel.isSending = true
        sending += 1
        freshBytes += parcel.byteCount
    }

    private mutating func queue(_ parcel: Parcel) {
        parcel.disk = .queued
        writeBytes += parcel.byteCount
        toWrite.append(parcel)
    }

    // MARK: - From the indexer

    /// Every document of the batch is stored or a dead letter.
    mutating func stored(_ parcel: Parcel, now: Int64) -> Effects {
        var effects = Effects()
        left(parcel)
        parcel.isStored = true
        if !parcel.isReplay, now - parcel.submitted < limits.after { isSlow = false }
        effects.answer(parcel, .kept)
        switch parcel.disk {
        case .none: effects.batches.append(parcel.batch)
        case .queued: break
        case .records(let ids):
            for id in ids { done(id) }
            effects.batches.append(parcel.batch)
            effects.wakes = true
        }
        trim()
        return effects
    }

    /// The indexer stops before the batch is stored.
    mutating func abandoned(_ parcel: Parcel) -> Effects {
        var effects = Effects()
        left(parcel)
        effects.wakes = true
        switch parcel.disk {
        case .none where parcel.completion != nil: queue(parcel)
        case .none: effects.batches.append(parcel.batch)
        case .queued: break
        case .records(let ids):
            for id in ids { ledger.released(id) }
            effects.batches.append(parcel.batch)
        }
        return effects
    }

    private mutating func left(_ parcel: Parcel) {
        parcel.isSending = false
        sending -= 1
        if parcel.isReplay { replayBytes -= parcel.byteCount } else { freshBytes -= parcel.byteCount }
    }

    private mutating func done(_ id: SpoolLedger.RecordID) {
        guard let record = ledger[id], record.state != .done else { return }
        ledger.done(id)
        marks[id.segment, default: []].append(record)
    }

    /// Drops finished batches from the front of `aging`.
    private mutating func trim() {
        while let first = aging.first, !first.isSending || first.disk != .none { aging.removeFirst() }
    }

    // MARK: - The spool's thread

    /// What it does next.
    mutating func next(now: Int64) -> Monitor<DeliveryQueue>.Verdict<Work> {
        ripen(now: now)
        var work = Work()
        takeWrites(&work)
        if now >= restsUntil {
            work.remove = ledger.finished
            // The writes of this turn may go into the newest part, after which it is not finished.
            if !work.write.isEmpty { work.remove.removeAll { $0 == ledger.newest } }
            for number in work.remove { marks[number] = nil }
            work.marks = marks
            marks = [:]
            takeReplay(&work)
        }
        work.probes = now >= probesAt
        work.ends = isStopping && sending == 0 && work.isEmpty
        if work.ends { hasEnded = true }
        if !work.isEmpty || work.ends { return .proceed(work) }
        let rest = restsUntil > now ? restsUntil : .max
        let due = aging.first.map { $0.submitted + limits.after } ?? .max
        sleepsUntil = min(due, probesAt, rest, now + Self.longestSleep)
        return .wait(until: sleepsUntil)
    }

    /// Queues the batches for which the store had its time.
    private mutating func ripen(now: Int64) {
        trim()
        while let first = aging.first, first.submitted + limits.after <= now {
            aging.removeFirst()
            isSlow = true
            queue(first)
            trim()
        }
    }

    private mutating func takeWrites(_ work: inout Work) {
        for parcel in toWrite {
            if parcel.isStored {
                writeBytes -= parcel.byteCount
                work.effects.batches.append(parcel.batch)
            } else {
                work.write.append(parcel)
            }
        }
        toWrite = []
        work.room = limits.spoolBytes - ledger.bytes
    }

    private mutating func takeReplay(_ work: inout Work) {
        guard !isStopping, replayBytes < limits.replayBytes else { return }
        work.replay = ledger.take(maxBytes: min(limits.replayBatchBytes, limits.replayBytes - replayBytes))
        replayBytes += bytes(of: work.replay)
    }

    /// Bytes of the documents in these records.
    func bytes(of ids: [SpoolLedger.RecordID]) -> Int {
        ids.reduce(0) { $0 + Int(ledger[$1]?.length ?? 0) }
    }

    /// The batches of a `Work` were written, the first ones at least.
    ///
    /// - Parameter failure: why the others were not.
    mutating func written(
        _ parcels: [Parcel],
        _ placed: [SpoolDirectory.Placed],
        _ failure: SpoolError?,
        now: Int64,
        time: CalendarTime
    ) -> Effects {
        var effects = Effects()
        for (index, parcel) in parcels.enumerated() {
            writeBytes -= parcel.byteCount
            if index < placed.count {
                written(parcel, placed[index], &effects)
            } else {
                // One that the indexer has may still be stored, but nobody waits for it any longer.
                parcel.disk = .none
                effects.answer(parcel, .refused)
            }
            if !parcel.isSending { effects.batches.append(parcel.batch) }
        }
        if let failure { failed(failure, now: now, time: time) } else if !placed.isEmpty { mended() }
        return effects
    }

    private mutating func written(
        _ parcel: Parcel,
        _ placed: SpoolDirectory.Placed,
        _ effects: inout Effects
    ) {
        var record = placed.record
        record.state = parcel.isSending ? .taken : .waiting
        let id = ledger.appended(record, to: placed.segment)
        parcel.disk = .records([id])
        if parcel.isStored { done(id) }
        effects.answer(parcel, .kept)
    }

    /// The records were read into the batch of `parcel`, which goes to the indexer now.
    mutating func replaying(_ parcel: Parcel) { sending += 1 }

    /// The record is damaged: it was set aside, and is not sent.
    mutating func damaged(_ id: SpoolLedger.RecordID) {
        replayBytes -= bytes(of: [id])
        done(id)
    }

    /// The records could not be read now.
    mutating func unreadable(
        _ ids: [SpoolLedger.RecordID],
        _ error: SpoolError,
        now: Int64,
        time: CalendarTime
    ) {
        replayBytes -= bytes(of: ids)
        for id in ids { ledger.released(id) }
        failed(error, now: now, time: time)
        restsUntil = now + Self.retryInterval
    }

    mutating func removed(_ number: Int) { ledger.removed(number) }

    /// Marks could not be written, or a segment not be deleted: it is tried again.
    mutating func unmarked(_ number: Int, _ records: [SpoolRecord], now: Int64) {
        if !records.isEmpty { marks[number, default: []] += records }
        restsUntil = now + Self.retryInterval
    }

    /// Whether a small file could be written.
    mutating func probed(_ error: SpoolError?, now: Int64, time: CalendarTime) {
        if let error { failed(error, now: now, time: time) } else { mended() }
    }

    private mutating func failed(_ error: SpoolError, now: Int64, time: CalendarTime) {
        // That the spool is full is seen from its size.
        if case .full = error { return }
        problem = Problem(reason: "\(error)", since: problem?.since ?? time)
        probesAt = now + Self.retryInterval
    }

    private mutating func mended() {
        problem = nil
        probesAt = .max
    }

    // MARK: - The end

    /// New batches go to the spool only; the thread ends when the indexer has given everything back.
    mutating func stop() { isStopping = true }
}
