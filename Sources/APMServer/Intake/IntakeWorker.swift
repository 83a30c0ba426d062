import Common
import Synchronization

/// What the intake requests of one thread share: the open batch, the decoder, scratch memory.
///
/// Batches leave when they are full, or at the end of a round of events when requests wait for them: a lone request
/// goes at once, and under load the requests of a round, and of the time that earlier batches are on their way, go
/// together.
final class IntakeWorker {
    struct Settings {
        var maxBatchBytes = 1 << 20
        var maxBatchEvents = 5000
        /// Longest time that an event of an unfinished request waits for company.
        var maxBatchDelay = Duration.milliseconds(200)
        /// Batches of this worker on their way at a time, as long as they are not large.
        var concurrentBatches = 2
        /// Bytes of this worker's batches on their way; above it nothing is read.
        var maxPendingBytes = 8 << 20
    }

    /// A batch that has ended, told by another thread.
    private struct Ended: Sendable {
        let number: Int
        let outcome: Delivery.Outcome
    }

    /// Where completions arrive.
    private final class Mailbox: Sendable {
        let ended = Mutex<[Ended]>([])
    }

    /// A batch on its way.
    private struct Pending {
        let bytes: Int
        let shares: [OpenBatch.Share]
    }

    /// A request of a client that is slowed down; times in monotonic nanoseconds.
    private struct Pause {
        let events: EventsInFlight
        let since: Int64
        let until: Int64
    }

    let metrics: IntakeMetrics
    /// Set by a request that has all its events in batches: the open one should leave soon.
    var hasWaitingRequests = false

    private let settings: Settings
    private let output: IntakeOutput
    private let mapper: EventMapper
    private let delivery: Delivery
    /// Where transactions and spans wait for the decision on their traces; nil when all are stored.
    private let sampler: TailSampler?
    /// Has `tick` called on this worker's thread.
    private let wakeThread: @Sendable () -> Void
    private let mailbox = Mailbox()
    private var decoder = EventDecoder()
    private var fields = EventFields()
    private var services: CountersByName
    private let decompressor = DeflateDecompressor()
    private(set) var inflated = ByteBuffer(capacity: 256 << 10)

    /// Of `output.batch`, and of `output.held`.
    private var open = OpenBatch()
    private var openHeld = OpenBatch()
    private var pending: [Int: Pending] = [:]
    private var pendingBytes = 0
    private var nextNumber = 0
    private var waitingForRoom: [EventsInFlight] = []
    private var paused: [Pause] = []

    /// Memory kept of the buffer for inflated bodies.
    private static let keptBytes = 1 << 20

    init(
        _ settings: Settings,
        output: IntakeOutput,
        mapper: EventMapper,
        delivery: Delivery,
        sampler: TailSampler?,
        metrics: IntakeMetrics,
        wakeThread: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.output = output
        self.mapper = mapper
        self.delivery = delivery
        self.sampler = sampler
        self.metrics = metrics
        services = metrics.makeServiceCounters()
        self.wakeThread = wakeThread
    }

    // MARK: - Lines

    /// Decodes a metadata line.
    func metadata(
        _ line: RawSpan,
        _ context: RequestContext,
        _ gate: EventGate?
    ) throws(IntakeError) -> RequestMetadata {
        try decoder.metadata(line, into: &fields)
        return try withRepaired(line) { (line) throws(IntakeError) in
            RequestMetadata(
                fields,
                line: line,
                request: context,
                gate: gate,
                settings: mapper.settings,
                clients: mapper.clients
            )
        }
    }

    /// Turns a line into documents of the open batches.
    ///
    /// - Parameters:
    ///   - events: of the request, whose answer waits for them.
    ///   - id: of the document, for a line that may be sent again; nil for a new one.
    /// - Returns: how many events were accepted.
    func take(
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        for events: EventsInFlight,
        id: [UInt8]? = nil
    ) throws(IntakeError) -> Int {
        output.fixedID = id
        // An unsampled transaction has no document to give it to.
        defer { output.fixedID = nil }
        let kind = try decoder.event(line, into: &fields)
        let held = output.held?.documents.documentCount ?? 0
        let refused = output.refusedDocuments
        let mapped = try withRepaired(line) { (line) throws(IntakeError) in
            try mapper.map(kind, fields, line, metadata, output)
        }
        let tooLarge = output.refusedDocuments - refused
        let accepted = mapped - tooLarge
        metrics.accepted(kind, accepted)
        let service = metadata.line.fields[.serviceName].range
        metadata.line.bytes.withUnsafeBytes { services.add(accepted, $0.bytes, service) }
        let nowHeld = (output.held?.documents.documentCount ?? 0) - held
        if nowHeld > 0 { openHeld.added(nowHeld, of: events, now: Clock.monotonic) }
        // Events that are only counted in roll-ups put nothing into a batch.
        if accepted > nowHeld, !output.batch.isEmpty {
            open.added(accepted - nowHeld, of: events, now: Clock.monotonic)
        }
        sendIfLarge()
        // A line may have many spans, and each document has all of the metadata.
        guard tooLarge == 0 else { throw IntakeError(.size, "event exceeded the permitted size") }
        return accepted
    }

    /// The line that was just decoded; a copy with other escapes of equal length when it has halves of surrogate
    /// pairs, which Elasticsearch refuses.
    @inline(__always)
    private func withRepaired<Result>(
        _ line: RawSpan,
        _ body: (RawSpan) throws(IntakeError) -> Result
    ) throws(IntakeError) -> Result {
        guard decoder.hasLoneSurrogate else { return try body(line) }
        var copy = ByteBuffer(capacity: line.byteCount)
        copy.append(repairingSurrogates: line)
        return try copy.withSpan(body)
    }

    /// Lets the server add documents of its own, for which no request waits.
    func append<Result>(_ body: (IntakeOutput) -> Result) -> Result {
        let result = body(output)
        if !output.batch.isEmpty { open.touched(now: Clock.monotonic) }
        return result
    }

    // MARK: - Scratch memory

    /// Inflates a whole body into `inflated`.
    ///
    /// - Returns: false when it is damaged or too large for this way.
    func inflate(_ body: borrowing ByteBuffer, _ format: BodyDecoder.Format, maxBytes: Int) -> Bool {
        let limits = InflateLimits(maxBytes: maxBytes, maxRatio: 2000)
        return body.withSpan { bytes in
            do throws(DeflateError) {
                try decompressor.inflate(
                    bytes,
                    0..<bytes.byteCount,
                    as: format == .gzip ? .gzip : .zlib,
                    into: &inflated,
                    limits: limits
                )
                return true
            } catch {
                // The streaming way finds the same fault, takes what stands before it and says what it is.
                return false
            }
        }
    }

    /// Lends the buffer for decoded bytes.
    func takeInflated() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &inflated)
        return buffer
    }

    func giveBackInflated(_ buffer: consuming ByteBuffer) {
        inflated = buffer
        inflated.shrink(to: Self.keptBytes)
    }

    // MARK: - Batches

    /// Whether so much is on its way that reading stops.
    var isFull: Bool { pendingBytes >= settings.maxPendingBytes }

    /// Has the request woken when the worker is no longer full.
    func wakeWhenRoom(_ events: EventsInFlight) { waitingForRoom.append(events) }

    /// Has a request woken later; those that have waited longest come first.
    ///
    /// - Parameters:
    ///   - moment: when, in monotonic nanoseconds.
    ///   - since: when it began to wait.
    func wake(_ events: EventsInFlight, at moment: Int64, since: Int64) {
        paused.append(Pause(events: events, since: since, until: moment))
    }

    /// Takes in what other threads have said, sends the open batch when its time has come, and wakes who is due.
    ///
    /// - Returns: when to be called again at the latest.
    func tick(now: Int64) -> Int64 {
        takeEnded()
        mapper.clients.refresh()
        return min(wakePaused(now: now), flushWhenDue(now: now))
    }

    /// - Returns: when the next of them is due.
    private func wakePaused(now: Int64) -> Int64 {
        guard !paused.isEmpty else { return .max }
        let due = paused.filter { $0.until <= now }.sorted { $0.since < $1.since }
        paused.removeAll { $0.until <= now }
        for pause in due { pause.events.wake() }
        return paused.reduce(.max) { min($0, $1.until) }
    }

    /// - Returns: when to look again at the latest.
    private func flushWhenDue(now: Int64) -> Int64 {
        guard let since = [open.since, openHeld.since].compactMap({ $0 }).min() else { return .max }
        let due = since + settings.maxBatchDelay.nanoseconds
        let isIdle = pending.count < settings.concurrentBatches
        guard (hasWaitingRequests && isIdle) || now >= due else { return due }
        flush()
        return .max
    }

    /// Sends what is there.
    func flush() {
        hasWaitingRequests = false
        if !output.batch.isEmpty { send() }
        if let held = output.held, !held.isEmpty { hold(held) }
    }

    private func sendIfLarge() {
        let batch = output.batch
        if batch.byteCount >= settings.maxBatchBytes || batch.documentCount >= settings.maxBatchEvents {
            send()
        }
        guard let held = output.held, held.documents.byteCount >= settings.maxBatchBytes else { return }
        hold(held)
    }

    private func send() {
        let batch = output.batch
        output.batch = delivery.emptyBatch()
        delivery.submit(batch, completion: depart(open.leave(), bytes: batch.byteCount))
    }

    private func hold(_ batch: TailBatch) {
        guard let sampler else { return }
        output.held = sampler.emptyBatch()
        sampler.submit(batch, completion: depart(openHeld.leave(), bytes: batch.documents.byteCount))
    }

    /// Notes a batch that leaves; the answer takes word of its arrival.
    private func depart(_ shares: [OpenBatch.Share], bytes: Int) -> @Sendable (Delivery.Outcome) -> Void {
        let number = nextNumber
        nextNumber += 1
        pending[number] = Pending(bytes: bytes, shares: shares)
        pendingBytes += bytes
        let (mailbox, wake) = (mailbox, wakeThread)
        return { outcome in
            mailbox.ended.withLock { $0.append(Ended(number: number, outcome: outcome)) }
            wake()
        }
    }

    private func takeEnded() {
        let ended = mailbox.ended.withLock { ended in
            let taken = ended
            ended = []
            return taken
        }
        for end in ended {
            guard let batch = pending.removeValue(forKey: end.number) else { continue }
            pendingBytes -= batch.bytes
            for share in batch.shares { share.events.arrived(end.outcome, share.count) }
        }
        guard !isFull, !waitingForRoom.isEmpty else { return }
        let woken = waitingForRoom
        waitingForRoom.removeAll(keepingCapacity: true)
        for events in woken { events.wake() }
    }
}
