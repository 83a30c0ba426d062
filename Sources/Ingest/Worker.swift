import CLinux
import Common
import Glibc

/// One thread's share of the service: some connections, a pipeline for each input, and the bulks being built.
///
/// The loop reads, decodes, parses and appends documents to the batch of the pipeline's lane; finished batches go to the
/// indexer, and its answers come back through the mailbox to acknowledge windows. Everything here is touched by one thread
/// only. `Worker+Lanes.swift` has what happens to batches.
final class Worker {
    /// Windows that one connection may have unacknowledged; Beats send two.
    private static let maxWindowsPerConnection = 64
    /// A sender that waits hears an ack 0 at least this often (Beats give up after 30 s, some after 10 s).
    private static let keepAliveInterval: Int64 = 5_000_000_000
    /// A batch is sent when another document of usual size might not fit: its memory, which doubles as it grows,
    /// then stays at `bulk_max_bytes`.
    private static let batchSlackBytes = 16 * 1024
    /// How long one connection is served before the others get their turn (nanoseconds): a pipeline that takes long for
    /// each event delays only its own senders.
    private static let sliceLength: Int64 = 20_000_000
    /// Events between two looks at the clock.
    private static let sliceEvents = 32
    private static let mailboxToken: UInt64 = 0

    let settings: WorkerSettings
    let mailbox: WorkerMailbox
    let output: any DocumentOutput
    private let metrics: IngestMetrics
    private let connectionCount: Gauge
    /// By the number that connections know.
    private var inputs: [Int: WorkerInput] = [:]
    var lanes: [WorkerLane] = []
    private var loop: EventLoop
    var connections: [UInt64: BeatsConnection] = [:]
    private var nextToken: UInt64 = 1
    private var budget: MemoryBudget
    private var scratch = ByteBuffer(capacity: BeatsConnection.readBytes)
    private var inflate = ByteBuffer()

    var flights: [Int: WorkerLane.Flight] = [:]
    var nextBatch = 0
    /// Connections that are not read because memory for their frame is short, or too many of their windows wait.
    private var starved: Set<UInt64> = []
    private var nextTick: Int64 = 0
    /// Time of the wall clock in this turn of the loop.
    private var wallClock = Clock.now
    /// When the connection being served has had its time, and how many events are left until the clock is asked.
    private var sliceEnd: Int64 = 0
    private var sliceEventsLeft = 0
    private var stopDeadline: Int64?

    init(
        settings: WorkerSettings,
        mailbox: WorkerMailbox,
        output: any DocumentOutput,
        inputs: WorkerInputs,
        metrics: IngestMetrics,
        connectionCount: Gauge
    ) throws(Errno) {
        self.settings = settings
        self.mailbox = mailbox
        self.output = output
        self.metrics = metrics
        self.connectionCount = connectionCount
        budget = MemoryBudget(limit: settings.memoryBytes / 2)
        loop = try EventLoop()
        try loop.add(mailbox.descriptor, .read, token: Self.mailboxToken)
        take(inputs, now: Clock.monotonic)
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
            for lane in lanes { submitIfDue(lane, now: now) }
            resumeStarved(now: now)
            for lane in lanes { resume(lane, now: now) }
            if now >= nextTick { tick(now: now) }
        }
        for token in Array(connections.keys) { remove(token) }
    }

    private var isFinished: Bool {
        guard let stopDeadline else { return false }
        let isDone = flights.isEmpty && lanes.allSatisfy(\.batch.isEmpty)
        return isDone || Clock.monotonic >= stopDeadline
    }

    // MARK: - Time

    private func timeout(now: Int64) -> Int32 {
        var wake = Int64.max
        if !connections.isEmpty { wake = nextTick }
        if let stopDeadline { wake = min(wake, stopDeadline) }
        for lane in lanes {
            if !lane.batch.isEmpty, lane.flights < settings.concurrentBatches, !lane.isBlocked {
                wake = min(wake, lane.batchStart + settings.maxBatchDelay)
            }
            // Its first connection has had its turn, and there is room for more.
            if !lane.line.isEmpty, !lane.isFull, stopDeadline == nil { return 0 }
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
            case .finished(let number, let result): finish(number, result, now: now)
            case .turnedBack(let number, let remainder): turnedBack(number, remainder, now: now)
            case .room: for lane in lanes { lane.isBlocked = false }
            case .inputs(let inputs): take(inputs, now: now)
            case .pulse: mailbox.answerPulse()
            case .databaseReplaced: for input in inputs.values { input.pipeline.refreshDatabases() }
            case .stop(let deadline): stop(deadline: deadline, now: now)
            }
        }
    }

    /// Serves these inputs from now on: the ones that are known go on with another pipeline, those that are missing end.
    private func take(_ new: WorkerInputs, now: Int64) {
        for entry in new.entries {
            let lane = lane(for: entry.outlet)
            if let known = inputs[entry.id] {
                known.change(to: entry, lane: lane)
            } else {
                inputs[entry.id] = WorkerInput(entry, lane: lane)
            }
        }
        let stay = Set(new.entries.map(\.id))
        for (id, input) in inputs where !stay.contains(id) {
            input.isRemoved = true
            for (token, connection) in connections where connection.input == id {
                connection.isLeaving = true
                do throws(BeatsConnection.End) {
                    try acknowledge(connection, now: now)
                    updateInterest(of: connection)
                } catch {
                    end(token, error)
                }
            }
        }
        forgetUnused()
    }

    /// Forgets inputs that are gone, and lanes that nothing goes by.
    private func forgetUnused() {
        inputs = inputs.filter { !$0.value.isRemoved || $0.value.connections > 0 }
        lanes.removeAll { lane in
            !lane.hasDocuments && !inputs.values.contains { $0.lane === lane }
        }
    }

    private func open(_ raw: Int32, peer: Socket.Address, input number: Int, now: Int64) {
        let socket: Descriptor
        do { socket = try Descriptor(adopting: raw) } catch { fatalError("a worker got a bad descriptor") }
        // A removed input's port may have taken a last one: it is closed, and its sender goes elsewhere.
        guard stopDeadline == nil, let input = inputs[number], !input.isRemoved else {
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
                input: number,
                tls: try input.tls.map { context in try TLSConnection(server: context, socket: raw) },
                limits: settings.limits,
                now: now
            )
            input.connectionOpened()
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
        for lane in lanes { submit(lane, now: now) }
    }

    // MARK: - Connections

    private func serve(_ event: EventLoop.Event, now: Int64) {
        guard let connection = connections[event.token] else { return }
        do throws(BeatsConnection.End) {
            let isReading = isReading(connection)
            // Nobody would hear the acks, and the event loop would report it for ever.
            if event.isBroken, !isReading { throw .closed }
            if event.isWritable {
                try connection.flush(now: now)
                try endIfLeft(connection)
            }
            if isReading { try readAll(connection, now: now) }
            updateInterest(of: connection)
        } catch {
            end(event.token, error)
        }
    }

    /// Reads and decodes what the socket has.
    ///
    /// - Parameter isItsTurn: it has waited in line; others wait behind those who do.
    private func readAll(
        _ connection: BeatsConnection,
        isItsTurn: Bool = false,
        now: Int64
    ) throws(BeatsConnection.End) {
        guard let input = inputs[connection.input] else { throw .removed }
        makeRoom(input.lane)
        beginSlice()
        repeat {
            if input.lane.isFull || !(isItsTurn || input.lane.line.isEmpty) {
                pause(connection, now: now)
                input.lane.line.append(connection.token)
                return
            }
            guard connection.windows.count < Self.maxWindowsPerConnection else {
                starve(connection, now: now)
                return
            }
            let progress = try connection.read(scratch: &scratch, inflate: &inflate, now: now) {
                take($0, $1, of: connection, input, window: $2, now: now)
            }
            try settle(connection, input, progress, now: now)
        } while connection.hasHiddenInput && isReading(connection)
        countTime(of: input)
    }

    /// Decodes what a pause left, and reads on.
    private func goOn(_ connection: BeatsConnection, now: Int64) throws(BeatsConnection.End) {
        guard let input = inputs[connection.input] else { throw .removed }
        input.lane.outlet.paused.change(by: -1, now: now)
        connection.resumeReading(now: now)
        makeRoom(input.lane)
        beginSlice()
        let progress = try connection.resume(inflate: &inflate, now: now) {
            take($0, $1, of: connection, input, window: $2, now: now)
        }
        try settle(connection, input, progress, now: now)
        countTime(of: input)
        if isReading(connection) { try readAll(connection, isItsTurn: true, now: now) }
        updateInterest(of: connection)
    }

    private func beginSlice() {
        sliceEnd = Clock.monotonic + Self.sliceLength
        sliceEventsLeft = Self.sliceEvents
    }

    /// Whether the connection being served has had its time.
    private func isSliceOver() -> Bool {
        sliceEventsLeft -= 1
        guard sliceEventsLeft <= 0 else { return false }
        sliceEventsLeft = Self.sliceEvents
        return Clock.monotonic >= sliceEnd
    }

    /// Counts the time since `beginSlice` for the input's pipeline.
    private func countTime(of input: WorkerInput) {
        let spent = Clock.monotonic - (sliceEnd - Self.sliceLength)
        input.lane.outlet.busy.add(nanoseconds: spent)
    }

    /// Whether bytes of this connection are welcome.
    private func isReading(_ connection: BeatsConnection) -> Bool {
        stopDeadline == nil && !connection.isPaused && !connection.isDeaf && !hasLeft(connection)
    }

    /// Whether nothing more is taken from it: its input is gone, and no window of it is half received.
    private func hasLeft(_ connection: BeatsConnection) -> Bool {
        connection.isLeaving && !connection.windows.isReceiving
    }

    /// What follows from where decoding stopped.
    private func settle(
        _ connection: BeatsConnection,
        _ input: WorkerInput,
        _ progress: BeatsConnection.Progress,
        now: Int64
    ) throws(BeatsConnection.End) {
        switch progress {
        case .waiting: budget.release(connection.token)
        case .stopped where hasLeft(connection): budget.release(connection.token)
        case .stopped:
            pause(connection, now: now)
            input.lane.line.putBack(connection.token)
        case .needsMemory(let bytes):
            if !budget.grant(connection.token, of: ObjectIdentifier(input.lane), bytes: bytes) {
                metrics.memoryWaits.add()
                starve(connection, now: now)
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
        _ input: WorkerInput,
        window: ReceiveWindows.ID,
        now: Int64
    ) -> Bool {
        let lane = input.lane
        if lane.batch.isEmpty { lane.begin(now: now) { output.emptyBatch() } }
        let documents = append(bytes.extracting(range), input.pipeline, to: lane.batch)
        input.events.add()
        if documents > 0 {
            connection.windows.sent(window, documents: documents)
            lane.share(with: connection.token, window, documents: documents)
        }
        if lane.batch.documentCount >= settings.maxBatchEvents
            || lane.batch.byteCount + Self.batchSlackBytes >= settings.maxBatchBytes
        {
            submit(lane, now: now)
        }
        return !lane.isFull && !isSliceOver()
    }

    /// Appends the document that `payload` becomes.
    ///
    /// - Returns: how many documents were appended.
    private func append(_ payload: RawSpan, _ pipeline: Pipeline, to batch: BulkBatch) -> Int {
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

    private func pause(_ connection: BeatsConnection, now: Int64) {
        connection.pauseReading()
        inputs[connection.input]?.lane.outlet.paused.change(by: 1, now: now)
    }

    private func starve(_ connection: BeatsConnection, now: Int64) {
        pause(connection, now: now)
        starved.insert(connection.token)
    }

    /// Goes on reading where memory for frames has become free.
    private func resumeStarved(now: Int64) {
        guard !starved.isEmpty, stopDeadline == nil else { return }
        for token in starved {
            guard let connection = connections[token], let lane = inputs[connection.input]?.lane else {
                starved.remove(token)
                continue
            }
            guard connection.windows.count < Self.maxWindowsPerConnection,
                budget.grant(token, of: ObjectIdentifier(lane), bytes: connection.bufferedBytes)
            else { continue }
            starved.remove(token)
            lane.line.append(token)
        }
    }

    /// Goes on reading the connections that wait for room in `lane`, as long as there is some.
    private func resume(_ lane: WorkerLane, now: Int64) {
        guard !lane.line.isEmpty, stopDeadline == nil else { return }
        makeRoom(lane)
        let turnEnd = Clock.monotonic + Self.sliceLength
        while !lane.isFull, let token = lane.line.popFirst() {
            guard let connection = connections[token], !hasLeft(connection) else { continue }
            do throws(BeatsConnection.End) { try goOn(connection, now: now) } catch { end(token, error) }
            if Clock.monotonic >= turnEnd { break }
        }
        if lane.line.count > 2 * connections.count + 64 {
            lane.line.removeAll { connections[$0] == nil }
        }
        submitIfDue(lane, now: now)
    }

    func acknowledge(_ connection: BeatsConnection, now: Int64) throws(BeatsConnection.End) {
        while let sequence = connection.windows.nextAck() {
            try connection.acknowledge(sequence, now: now)
            metrics.windows.add()
        }
        try endIfLeft(connection)
    }

    /// Ends a connection whose input is gone, once nothing of it is on the way.
    private func endIfLeft(_ connection: BeatsConnection) throws(BeatsConnection.End) {
        if connection.isLeaving, !connection.windows.isBusy, !connection.hasOutput { throw .removed }
    }

    func updateInterest(of connection: BeatsConnection) {
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

    func end(_ token: UInt64, _ reason: BeatsConnection.End) {
        guard let connection = connections[token] else { return }
        metrics.count(reason)
        switch reason {
        case .closed, .lost, .idle, .removed:
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
        starved.remove(token)
        connectionCount.add(-1)
        guard let input = inputs[connection.input] else { return }
        if connection.isPaused { input.lane.outlet.paused.change(by: -1, now: Clock.monotonic) }
        input.connectionClosed()
        if input.isRemoved { forgetUnused() }
    }
}
