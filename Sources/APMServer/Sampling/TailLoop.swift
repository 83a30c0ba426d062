import Common

/// What `TailSampler` does with batches and at which time: hold, decide, store, drop, make room.
///
/// It reads no clock and waits for nothing but the disk. Times are seconds since 1970.
final class TailLoop {
    struct Submission: Sendable {
        let batch: TailBatch
        let completion: @Sendable (Delivery.Outcome) -> Void
    }

    /// Names a bulk until its outcome is known.
    typealias Ticket = UInt64

    struct Settings {
        var bulkBytes = 1 << 20
        /// Bulks that are on their way at one time.
        var maxInFlight = 4
        var segmentBytes = 64 << 20
        /// A sealed file is copied together when less than a quarter of it is still needed.
        var sparseness = 4
    }

    private let configuration: TailConfiguration
    private let settings: Settings
    private let log: TailLog
    private let sink: DocumentSink
    private let metrics: TailMetrics
    private var index: TailIndex

    private var records = ByteBuffer(capacity: 64 << 10)
    private var scratch = ByteBuffer(capacity: 64 << 10)
    private var inFlight: [Ticket: [TailIndex.Release]] = [:]
    private var lastTicket: Ticket = 0
    private var delay = Backoff(initial: .seconds(1), maximum: .seconds(30))
    private var retryAt = Int64.min
    private var isDiskFull = false

    /// Reads the log of an earlier run.
    init(
        _ configuration: TailConfiguration,
        directory: String,
        sink: DocumentSink,
        metrics: TailMetrics,
        now: Int64,
        settings: Settings = Settings()
    ) throws {
        self.configuration = configuration
        self.settings = settings
        self.sink = sink
        self.metrics = metrics
        log = try TailLog(directory, segmentBytes: settings.segmentBytes)
        var index = TailIndex(
            interval: configuration.interval.nanoseconds / 1_000_000_000,
            ttl: configuration.ttl.nanoseconds / 1_000_000_000
        )
        try log.scan { record, location in
            if let role = record.kind.role {
                index.add(record.trace, role, at: location, time: record.time)
            } else {
                index.conclude(record.trace, wasKept: record.kind == .finishedKept, now: record.time)
            }
        }
        if !configuration.isEnabled { index.keepAll(now: now) }
        self.index = index
        look()
    }

    var isInFlight: Bool { !inFlight.isEmpty }

    // MARK: - Batches come

    /// Makes the events of all batches durable, and answers them.
    func take(_ submissions: [Submission], now: Int64) {
        records.removeAll()
        var events: [(event: TailBatch.Event, offset: Int)] = []
        var dropped = 0
        for submission in submissions {
            let batch = submission.batch
            for (number, event) in batch.events.enumerated() {
                guard index.verdict(event.trace) != .drop else {
                    dropped += 1
                    continue
                }
                events.append((event, records.count))
                batch.documents.bytes.withUnsafeBytes { bytes in
                    let lines = UnsafeRawBufferPointer(rebasing: bytes[batch.documents.range(number)])
                    TailRecord.append(
                        TailRecord.Kind(event.role),
                        time: now,
                        trace: event.trace,
                        lines: lines.bytes,
                        to: &records
                    )
                }
            }
        }
        guard events.isEmpty || hold(events, now: now) else { return pass(submissions, now: now) }
        metrics.dropped.add(dropped)
        metrics.held.add(events.count)
        for submission in submissions { submission.completion(.kept) }
        look()
    }

    /// - Returns: false when there is no room, or the disk fails.
    private func hold(_ events: [(event: TailBatch.Event, offset: Int)], now: Int64) -> Bool {
        let limit = configuration.storageBytes
        guard !isDiskFull, limit == 0 || log.totalBytes + records.count <= limit else {
            Log.limited(
                .warning,
                key: "tail-full",
                "no room to hold events for tail-based sampling",
                ["directory": log.directory, "bytes": String(log.totalBytes)]
            )
            return false
        }
        let place: (segment: UInt32, offset: Int)
        do { place = try log.append(records, isSynced: true) } catch {
            complain("cannot hold events for tail-based sampling", error)
            return false
        }
        for (number, (event, offset)) in events.enumerated() {
            let end = number + 1 < events.count ? events[number + 1].offset : records.count
            let location = TailIndex.Location(
                segment: place.segment,
                offset: UInt32(place.offset + offset),
                length: UInt32(end - offset)
            )
            index.add(event.trace, event.role, at: location, time: now)
        }
        return true
    }

    /// Stores batches at once, or drops them, as the configuration says of events that cannot be held.
    private func pass(_ submissions: [Submission], now: Int64) {
        for submission in submissions {
            let count = submission.batch.events.count
            guard !configuration.discardsOnWriteFailure else {
                metrics.discarded.add(count)
                submission.completion(.kept)
                continue
            }
            metrics.unheld.add(count)
            for event in submission.batch.events where event.role != .member {
                index.keep(event.trace, now: now)
            }
            sink.submit(submission.batch.documents, submission.completion)
        }
    }

    private func complain(_ message: String, _ error: any Error) {
        metrics.writeFailures.add()
        Log.limited(.error, key: "tail-log", message, ["reason": "\(error)"])
    }

    // MARK: - Time passes

    /// Decides, forgets and makes room.
    func tick(now: Int64) {
        let decided = index.decide(now: now)
        metrics.dropped.add(decided.dropped)
        metrics.expired.add(index.expire(now: now))
        isDiskFull = log.diskUsage.map { $0 > configuration.diskUsageThreshold } ?? false
        noteFinished(now)
        makeRoom()
        look()
    }

    /// When to tick again, in monotonic nanoseconds, and to ask for bulks.
    func nextMoment(_ monotonic: Int64) -> Int64 {
        let isIdle = index.eventCount == 0 && log.totalBytes == 0
        return monotonic + (isIdle ? 60_000_000_000 : 1_000_000_000)
    }

    /// Writes which traces need not be dealt with again.
    ///
    /// In the page cache is enough: a crash of the machine sends documents again that the store has.
    private func noteFinished(_ now: Int64) {
        records.removeAll()
        for (trace, isKept) in index.takeFinished() {
            TailRecord.append(
                isKept ? .finishedKept : .finishedDropped,
                time: now,
                trace: trace,
                lines: RawSpan(),
                to: &records
            )
        }
        guard !records.isEmpty, log.totalBytes > 0 else { return }
        do { _ = try log.append(records, isSynced: false) } catch {
            complain("cannot note what is done of tail-based sampling", error)
        }
    }

    /// Removes files without events that are held, and copies the few events of others together.
    private func makeRoom() {
        // Switched off, nothing is left behind for the next start.
        let enough = configuration.isEnabled ? settings.segmentBytes / 16 : 1
        if log.currentBytes >= enough, index.eventCount == 0 { log.seal() }
        let sealed = log.sealed
        var sparse: Set<UInt32> = []
        for segment in sealed {
            let live = index.liveBytes[segment.number] ?? 0
            if live > 0, live * settings.sparseness < segment.bytes { sparse.insert(segment.number) }
        }
        do {
            // Deleting first: on a full disk only that makes room for copies.
            try removeUnneeded(sealed)
            guard !sparse.isEmpty else { return }
            try copy(sparse)
            try removeUnneeded(sealed)
        } catch {
            complain("cannot tidy the files of tail-based sampling", error)
        }
    }

    private func removeUnneeded(_ segments: [(number: UInt32, bytes: Int)]) throws {
        for segment in segments where index.liveBytes[segment.number] == nil {
            try log.remove(segment.number)
        }
    }

    /// Copies what is still needed of some files to the end of the log.
    private func copy(_ segments: Set<UInt32>) throws {
        records.removeAll()
        var copied: [(event: Int32, offset: Int)] = []
        func write() throws {
            guard !copied.isEmpty else { return }
            let place = try log.append(records, isSynced: true)
            for (event, offset) in copied {
                var location = index.location(event)
                location.segment = place.segment
                location.offset = UInt32(place.offset + offset)
                index.move(event, to: location)
            }
            copied.removeAll()
            records.removeAll()
        }
        for event in index.events(in: segments) {
            let offset = records.count
            do { try log.read(index.location(event), into: &records) } catch {
                // It stays where it is, and keeps its file, until it is needed or not.
                complain("cannot read a held event of tail-based sampling", error)
                continue
            }
            copied.append((event, offset))
            if records.count >= settings.bulkBytes { try write() }
        }
        try write()
    }

    private func look() {
        metrics.heldEvents.set(index.eventCount)
        metrics.heldTraces.set(index.traceCount)
        metrics.storageBytes.set(log.totalBytes)
        metrics.decisions.set(index.decisionCount)
    }

    // MARK: - Events leave

    /// The next bulk of events whose traces are to be stored; nil when there are none, or enough are on their
    /// way.
    func nextBulk(now: Int64, monotonic: Int64) -> (ticket: Ticket, batch: BulkBatch)? {
        guard index.hasReleases, inFlight.count < settings.maxInFlight, monotonic >= retryAt else {
            return nil
        }
        let batch = sink.emptyBatch()
        var events: [TailIndex.Release] = []
        while batch.byteCount < settings.bulkBytes, let next = index.nextRelease() {
            do {
                try append(index.location(next.event), to: batch)
                events.append(next)
            } catch {
                // It was readable when it was written; nobody can send it again.
                metrics.damaged.add()
                Log.limited(.error, key: "tail-read", "held event lost", ["reason": "\(error)"])
                index.settled(next, now: now)
            }
        }
        guard !events.isEmpty else { return nil }
        lastTicket += 1
        inFlight[lastTicket] = events
        return (lastTicket, batch)
    }

    private func append(_ location: TailIndex.Location, to batch: BulkBatch) throws {
        scratch.removeAll()
        try log.read(location, into: &scratch)
        let record = scratch.withSpan { TailRecord.read($0, at: 0) }
        guard let record else { throw Damage(location: location) }
        let isWhole = batch.append(documents: 1, length: record.lines.count) { free in
            scratch.withUnsafeBytes { free.copyMemory(from: .init(rebasing: $0[record.lines])) }
        }
        guard isWhole else { throw Damage(location: location) }
    }

    private struct Damage: Error, CustomStringConvertible {
        let location: TailIndex.Location
        var description: String { "no record at \(location.offset) of file \(location.segment)" }
    }

    /// Takes note of what became of a bulk.
    func settle(_ ticket: Ticket, _ outcome: Delivery.Outcome, now: Int64, monotonic: Int64) {
        guard let events = inFlight.removeValue(forKey: ticket) else { return }
        guard outcome == .kept else {
            index.retry(events)
            retryAt = monotonic + delay.failed(chance: .random(in: 0...1)).nanoseconds
            return
        }
        delay.succeeded()
        metrics.stored.add(events.count)
        for event in events { index.settled(event, now: now) }
        noteFinished(now)
        look()
    }
}
