import CLinux
import Common
import Glibc

/// One thread's share of the service: some connections, a pipeline for each input, and the bulk being built.
///
/// The loop reads, decodes, parses and appends documents to a batch; finished batches go to the indexer, and its
/// answers come back through the mailbox to acknowledge windows. Everything here is touched by one thread only.
final class Worker {
    /// Windows that one connection may have unacknowledged; Beats send two.
    private static let maxWindowsPerConnection = 64
    /// A sender that waits hears an ack 0 at least this often (Beats give up after 30 s, some after 10 s).
    private static let keepAliveInterval: Int64 = 5_000_000_000
    /// A batch is sent when another document of usual size might not fit: its memory, which doubles as it grows,
    /// then stays at `bulk_max_bytes`.
    private static let batchSlackBytes = 16 * 1024
    private static let mailboxToken: UInt64 = 0

    /// Documents of one window in one batch.
    private struct Share {
        let connection: UInt64
        let window: ReceiveWindows.ID
        var documents: Int
    }

    private struct Flight {
        let shares: [Share]
        let bytes: Int
    }

    private let settings: WorkerSettings
    private let mailbox: WorkerMailbox
    private let indexer: BulkIndexer
    private let metrics: IngestMetrics
    private let connectionCount: Gauge
    private var pipelines: [Pipeline]
    private var loop: EventLoop
    private var connections: [UInt64: BeatsConnection] = [:]
    private var nextToken: UInt64 = 1
    private var budget: MemoryBudget
    private var scratch = ByteBuffer(capacity: BeatsConnection.readBytes)
    private var inflate = ByteBuffer()

    private var batch: BulkBatch
    /// The indexer has no room for the open batch.
    private var isBlocked = false
    private var shares: [Share] = []
    /// When the first document of the open batch came (monotonic nanoseconds).
    private var batchStart: Int64 = 0
    private var flights: [Int: Flight] = [:]
    private var nextBatch = 0
    private var flightBytes = 0
    /// Connections that are not read because memory is short.
    private var paused: Set<UInt64> = []
    private var nextTick: Int64 = 0
    /// Time of the wall clock in this turn of the loop.
    private var wallClock = Clock.now
    private var stopDeadline: Int64?

    init(
        settings: WorkerSettings,
        mailbox: WorkerMailbox,
        indexer: BulkIndexer,
        pipelines: [Pipeline],
        metrics: IngestMetrics,
        connectionCount: Gauge
    ) throws(Errno) {
        self.settings = settings
        self.mailbox = mailbox
        self.indexer = indexer
        batch = BulkBatch(capacityBytes: 0)
        self.pipelines = pipelines
        self.metrics = metrics
        self.connectionCount = connectionCount
        budget = MemoryBudget(limit: settings.memoryBytes / 2)
        loop = try EventLoop()
        try loop.add(mailbox.descriptor, .read, token: Self.mailboxToken)
    }

    /// Runs until a stop message came and everything in work is acknowledged, or its deadline has passed.
    func run() {
        while !isFinished {
            var ready: [EventLoop.Event] = []
            do { try loop.wait(timeout: timeout(now: Clock.monotonic)) { ready.append($0) } } catch {
                fatalError("epoll_wait failed: \(error)")
            }
            let now = Clock.monotonic
            wallClock = Clock.now
            for event in ready {
                if event.token == Self.mailboxToken {
                    takeMessages(now: now)
                } else {
                    serve(event, now: now)
                }
            }
            submitIfDue(now: now)
            resumePaused(now: now)
            if now >= nextTick { tick(now: now) }
        }
        for token in Array(connections.keys) { remove(token) }
    }

    private var isFinished: Bool {
        guard let stopDeadline else { return false }
        let isDone = flights.isEmpty && batch.isEmpty
        return isDone || Clock.monotonic >= stopDeadline
    }

    // MARK: - Time

    private func timeout(now: Int64) -> Int32 {
        var wake = Int64.max
        if !connections.isEmpty { wake = nextTick }
        if let stopDeadline { wake = min(wake, stopDeadline) }
        if !batch.isEmpty, flights.count < settings.concurrentBatches {
            wake = min(wake, batchStart + settings.maxBatchDelay)
        }
        guard wake < .max else { return -1 }
        return Duration.nanoseconds(max(0, wake - now)).milliseconds
    }

    /// Keep-alives and deadlines, about once a second while a sender waits, else every ten or as often as deadlines are.
    private func tick(now: Int64) {
        var isAnyBusy = false
        for (token, connection) in connections {
            isAnyBusy = isAnyBusy || connection.windows.isBusy
            do throws(BeatsConnection.End) {
                if connection.windows.isBusy, now - connection.lastAnswer >= Self.keepAliveInterval {
                    try connection.acknowledge(0, now: now)
                    metrics.keepAlives.add()
                    updateInterest(of: connection)
                }
                if connection.isTooSlow(now: now, timeout: settings.frameTimeout) { throw .slow }
                if now - connection.lastActivity >= settings.idleTimeout, !connection.windows.isBusy {
                    throw .idle
                }
            } catch {
                end(token, error)
            }
        }
        let calm = min(10_000_000_000, settings.frameTimeout, settings.idleTimeout)
        nextTick = now + (isAnyBusy ? 1_000_000_000 : calm)
    }

    // MARK: - Messages

    private func takeMessages(now: Int64) {
        for message in mailbox.takeAll() {
            switch message {
            case .connection(let raw, let peer, let input): open(raw, peer: peer, input: input, now: now)
            case .finished(let number, let isSafe): finish(number, isSafe: isSafe, now: now)
            case .room: isBlocked = false
            case .databaseReplaced: for pipeline in pipelines { pipeline.refreshDatabases() }
            case .stop(let deadline): stop(deadline: deadline, now: now)
            }
        }
    }

    private func open(_ raw: Int32, peer: Socket.Address, input: Int, now: Int64) {
        let socket: Descriptor
        do { socket = try Descriptor(adopting: raw) } catch { fatalError("a worker got a bad descriptor") }
        guard stopDeadline == nil else {
            connectionCount.add(-1)
            return
        }
        let token = nextToken
        nextToken += 1
        do {
            try loop.add(raw, .read, token: token)
            connections[token] = BeatsConnection(
                socket: socket,
                token: token,
                peer: peer,
                input: input,
                tls: try settings.tls[input].map { context in try TLSConnection(server: context, socket: raw)
                },
                limits: settings.limits,
                now: now
            )
            nextTick = min(nextTick, now + 1_000_000_000)
        } catch {
            connectionCount.add(-1)
            Log.limited(
                .error,
                key: "open",
                "cannot serve a connection",
                ["peer": "\(peer)", "error": "\(error)"]
            )
        }
    }

    private func stop(deadline: Int64, now: Int64) {
        stopDeadline = deadline
        // Windows half received are not acknowledged: their senders keep them. Acks still go out.
        for connection in connections.values { setInterest([], of: connection) }
        submit(now: now)
    }

    // MARK: - Connections

    private func serve(_ event: EventLoop.Event, now: Int64) {
        guard let connection = connections[event.token] else { return }
        do throws(BeatsConnection.End) {
            let isReading = isReading(connection)
            // Nobody would hear the acks, and the event loop would report it for ever.
            if event.isBroken, !isReading { throw .closed }
            if event.isWritable { try connection.flush(now: now) }
            if isReading { try readAll(connection, now: now) }
            updateInterest(of: connection)
        } catch {
            end(event.token, error)
        }
    }

    private func readAll(_ connection: BeatsConnection, now: Int64) throws(BeatsConnection.End) {
        repeat {
            if isFull || connection.windows.count >= Self.maxWindowsPerConnection {
                pause(connection)
                return
            }
            let progress = try connection.read(scratch: &scratch, inflate: &inflate, now: now) {
                take($0, $1, of: connection, window: $2, now: now)
            }
            try settle(connection, progress, now: now)
        } while connection.hasHiddenInput && isReading(connection)
    }

    /// Whether bytes of this connection are welcome.
    private func isReading(_ connection: BeatsConnection) -> Bool {
        stopDeadline == nil && !connection.isPaused && !connection.isDeaf
    }

    /// What follows from where decoding stopped.
    private func settle(
        _ connection: BeatsConnection,
        _ progress: BeatsConnection.Progress,
        now: Int64
    ) throws(BeatsConnection.End) {
        switch progress {
        case .waiting: budget.release(connection.token)
        case .stopped: pause(connection)
        case .needsMemory(let bytes):
            if !budget.grant(connection.token, bytes: bytes) {
                metrics.memoryWaits.add()
                pause(connection)
            }
        }
        try acknowledge(connection, now: now)
    }

    /// Parses one event into the open batch.
    ///
    /// - Returns: whether another is welcome.
    private func take(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        of connection: BeatsConnection,
        window: ReceiveWindows.ID,
        now: Int64
    ) -> Bool {
        if batch.isEmpty {
            batch = indexer.emptyBatch()
            batchStart = now
        }
        let documents = append(bytes.extracting(range), pipelines[connection.input])
        metrics.events[connection.input].add()
        if documents > 0 {
            connection.windows.sent(window, documents: documents)
            if let last = shares.indices.last, shares[last].window == window,
                shares[last].connection == connection.token
            {
                shares[last].documents += documents
            } else {
                shares.append(Share(connection: connection.token, window: window, documents: documents))
            }
        }
        if batch.documentCount >= settings.maxBatchEvents
            || batch.byteCount + Self.batchSlackBytes >= settings.maxBatchBytes
        {
            submit(now: now)
        }
        return !isFull
    }

    /// Appends the document that `payload` becomes.
    ///
    /// - Returns: how many documents were appended.
    private func append(_ payload: RawSpan, _ pipeline: Pipeline) -> Int {
        if pipeline.filters != nil {
            var count = 0
            pipeline.forEachDocument(of: payload, receivedAt: wallClock) { index, id, write in
                batch.append(index: index, id: id) { write(&$0) }
                count += 1
            }
            return count
        }
        pipeline.read(payload, receivedAt: wallClock)
        pipeline.withNames { index, id in
            batch.append(index: index, id: id) { pipeline.write(payload, into: &$0) }
        }
        return 1
    }

    /// Whether this worker holds as many documents as it may; a batch is begun only where a whole one fits.
    private var isFull: Bool {
        let limit = settings.memoryBytes / 2
        if isBlocked { return true }
        guard batch.isEmpty else { return flightBytes + batch.byteCount >= limit }
        return flightBytes > 0 && flightBytes + settings.maxBatchBytes > limit
    }

    private func pause(_ connection: BeatsConnection) {
        connection.pauseReading()
        paused.insert(connection.token)
    }

    /// Goes on reading where memory has become free.
    private func resumePaused(now: Int64) {
        guard !paused.isEmpty, stopDeadline == nil else { return }
        for token in paused {
            guard !isFull else { return }
            guard let connection = connections[token] else {
                paused.remove(token)
                continue
            }
            guard connection.windows.count < Self.maxWindowsPerConnection,
                budget.grant(token, bytes: connection.bufferedBytes)
            else { continue }
            paused.remove(token)
            connection.resumeReading(now: now)
            do throws(BeatsConnection.End) {
                let progress = try connection.resume(inflate: &inflate, now: now) {
                    take($0, $1, of: connection, window: $2, now: now)
                }
                try settle(connection, progress, now: now)
                updateInterest(of: connection)
            } catch {
                end(token, error)
            }
        }
        submitIfDue(now: now)
    }

    private func acknowledge(_ connection: BeatsConnection, now: Int64) throws(BeatsConnection.End) {
        while let sequence = connection.windows.nextAck() {
            try connection.acknowledge(sequence, now: now)
            metrics.windows.add()
        }
    }

    private func updateInterest(of connection: BeatsConnection) {
        var interest = connection.handshakeInterest ?? (isReading(connection) ? .read : [])
        if connection.hasOutput { interest.insert(.write) }
        setInterest(interest, of: connection)
    }

    private func setInterest(_ interest: EventLoop.Interest, of connection: BeatsConnection) {
        guard interest != connection.interest else { return }
        do {
            try loop.change(connection.descriptor, interest, token: connection.token)
            connection.interest = interest
        } catch {
            fatalError("epoll_ctl failed: \(error)")
        }
    }

    private func end(_ token: UInt64, _ reason: BeatsConnection.End) {
        guard let connection = connections[token] else { return }
        metrics.count(reason)
        switch reason {
        case .closed, .lost, .idle:
            Log.debug("connection ended", ["peer": "\(connection.peer)", "reason": "\(reason)"])
        case .protocolError, .tls, .slow:
            Log.limited(
                .warning,
                key: "end \(connection.peer.host)",
                "connection closed; what it sent is not acknowledged and its sender will send it again",
                ["peer": "\(connection.peer)", "reason": reason.description]
            )
        }
        remove(token)
    }

    private func remove(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        loop.remove(connection.descriptor)
        budget.release(token)
        paused.remove(token)
        connectionCount.add(-1)
    }

    // MARK: - Bulks

    /// Hands the open batch over when it is worth it: nothing is in flight, or it has waited long enough.
    private func submitIfDue(now: Int64) {
        guard !batch.isEmpty, flights.count < settings.concurrentBatches else { return }
        if flights.isEmpty || now - batchStart >= settings.maxBatchDelay { submit(now: now) }
    }

    private func submit(now: Int64) {
        guard !batch.isEmpty, !isBlocked else { return }
        let number = nextBatch
        let bytes = batch.byteCount
        let isTaken = indexer.submit(batch) { [mailbox] result in
            mailbox.send(.finished(batch: number, isSafe: result != .abandoned))
        }
        guard isTaken else {
            isBlocked = true
            indexer.whenRoom { [mailbox] in mailbox.send(.room) }
            return
        }
        nextBatch += 1
        flights[number] = Flight(shares: shares, bytes: bytes)
        flightBytes += bytes
        shares.removeAll(keepingCapacity: true)
        // Its memory comes with its first document: an idle worker keeps none.
        batch = BulkBatch(capacityBytes: 0)
    }

    private func finish(_ number: Int, isSafe: Bool, now: Int64) {
        guard let flight = flights.removeValue(forKey: number) else { return }
        flightBytes -= flight.bytes
        guard isSafe else { return }
        for share in flight.shares {
            guard let connection = connections[share.connection] else { continue }
            connection.windows.stored(share.window, documents: share.documents)
            do throws(BeatsConnection.End) {
                try acknowledge(connection, now: now)
                updateInterest(of: connection)
            } catch {
                end(share.connection, error)
            }
        }
    }
}
