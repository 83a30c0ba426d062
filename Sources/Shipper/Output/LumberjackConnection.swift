import Common
import Glibc

/// One connection to a receiver, and the windows on it.
///
/// The rim around `SendWindow` and `HostCycle`: sockets, names and clocks. It connects when `LumberjackClient` says so
/// and stays connected until the peer, an error or `ttl` ends that; what was on it then goes back to the client, which
/// may give it to another connection.
///
///     idle ──connect──> resolving ──> connecting ──> handshaking ──> connected
///      ^                    │              │               │             │
///      └────────────────────┴── failed, peer left, ttl over ─────────────┘
final class LumberjackConnection {
    typealias Host = LumberjackClient.Host

    private enum Phase {
        case idle
        case resolving(until: Int64)
        case connecting(until: Int64)
        case handshaking(until: Int64)
        case connected
    }

    /// A peer that hangs up within this time refuses us; later it only tidies up.
    private static let refusalTime: Int64 = 1_000_000_000

    private let settings: LumberjackClient.Settings
    private let cycle: HostCycle
    private let reactor: Reactor
    private let metrics: ShipperMetrics
    private var window: SendWindow
    /// The windows on the connection, oldest first.
    private var batches: [Batch] = []
    private var acknowledged: [Batch] = []
    private var returned: [Batch] = []

    private var phase = Phase.idle
    /// The host that this connection goes to, from the attempt on.
    private var host: Host
    private var hostMetrics: HostMetrics
    private var lookUps: NameLookUps
    private var addresses: [Socket.Address] = []
    private var addressTurn: Int
    private var connection: Connection?
    private var token: UInt64 = 0
    private var interest: EventLoop.Interest = []
    private var acks = LumberjackAckReader()
    /// Bytes of `window.nextToSend` that are written.
    private var written = 0
    private var lastProgress: Int64 = 0
    private var connectedAt: Int64 = 0
    /// Whether a window was acknowledged on this connection.
    private var hasServed = false
    /// When `ttl` is over: no new windows from then on.
    private var expiresAt = Int64.max
    /// The host that failed last and why, until an ack proves that one works.
    private(set) var lastFailure: String?
    /// When acks are read although the socket is not watched for them; nil while it is.
    private var readAcksAt: Int64?
    /// Whether a write, or TLS within a read, waits for the socket.
    private var isBlocked = false
    private var ackBuffer = [UInt8](repeating: 0, count: 4096)

    init(settings: LumberjackClient.Settings, cycle: HostCycle, reactor: Reactor, metrics: ShipperMetrics) {
        self.settings = settings
        self.cycle = cycle
        self.reactor = reactor
        self.metrics = metrics
        lookUps = NameLookUps(settings.resolve, waker: reactor.waker)
        window = SendWindow(limit: settings.pipelining)
        host = cycle.current
        hostMetrics = HostMetrics(metrics.metrics, host: host)
        addressTurn = Int.random(in: 0..<1024)
    }

    // MARK: - What the client asks

    var isConnected: Bool { if case .connected = phase { true } else { false } }
    /// Windows on the connection.
    var outstanding: Int { window.outstanding }

    /// Whether `connect` makes sense now.
    func mayConnect(now: Int64) -> Bool { if case .idle = phase { now >= cycle.restsUntil } else { false } }

    /// When `mayConnect` becomes true by itself; nil when it does not.
    var restsUntil: Int64? { if case .idle = phase { cycle.restsUntil } else { nil } }

    /// Whether another window may be given.
    func hasRoom(now: Int64) -> Bool {
        guard isConnected, now < expiresAt, !window.isFull else { return false }
        // While others take the windows, a host that failed has to acknowledge one before it gets more.
        return window.isEmpty || !settings.loadBalance || !cycle.isSuspect
    }

    /// The next moment at which `tick` must be called (monotonic nanoseconds).
    var deadline: Int64? {
        switch phase {
        case .idle: nil
        case .resolving(let until), .connecting(let until), .handshaking(let until): until
        case .connected:
            window.isEmpty ? nil : min(lastProgress + settings.timeout.nanoseconds, readAcksAt ?? .max)
        }
    }

    /// The windows acknowledged since the last call, in the order of the acks.
    func takeAcknowledged() -> [Batch] { Self.take(&acknowledged) }

    /// The windows that a lost connection has left since the last call.
    func takeReturned() -> [Batch] { Self.take(&returned) }

    private static func take(_ batches: inout [Batch]) -> [Batch] {
        guard !batches.isEmpty else { return [] }
        defer { batches.removeAll() }
        return batches
    }

    // MARK: - What the client tells

    /// Takes a window; the client has asked `hasRoom`.
    func give(_ batch: Batch, now: Int64) {
        if window.isEmpty { lastProgress = now }
        batches.append(batch)
        window.append(batch.id, count: batch.count)
        writeWindows(now: now)
    }

    /// Takes what the event loop reported.
    func handle(_ event: EventLoop.Event, now: Int64) {
        guard event.token == token, connection != nil else { return }
        switch phase {
        case .connecting: finishConnecting(now: now)
        case .handshaking: handshake(now: now)
        case .connected:
            if event.isReadable || event.isBroken || isBlocked { readAcks(now: now) }
            if event.isWritable || event.isReadable, isConnected { writeWindows(now: now) }
        case .idle, .resolving: break
        }
    }

    /// Does what time or another thread has made due.
    func tick(now: Int64) {
        switch phase {
        case .idle: break
        case .resolving(let until):
            if let resolution = lookUps.take(host) {
                resolved(resolution, now: now)
            } else if now >= until {
                fail("the name is not resolved within \(settings.connectTimeout)", now: now)
            }
        case .connecting(let until):
            if now >= until { failAddress("no connection within \(settings.connectTimeout)", now: now) }
        case .handshaking(let until):
            if now >= until { fail("no TLS handshake within \(settings.connectTimeout)", now: now) }
        case .connected:
            // Acks that came while the loop was woken for other reasons cost nothing.
            if readAcksAt != nil { readAcks(now: now) }
            guard isConnected, !window.isEmpty else { return }
            let silentUntil = lastProgress + settings.timeout.nanoseconds
            if now >= silentUntil { fail("no ack within \(settings.timeout)", now: now) }
        }
    }

    /// Ends the connection if its time is over and nothing is on it, so that the next one may reach another
    /// receiver behind the same name or balancer.
    func renewIfDue(now: Int64) {
        guard isConnected, now >= expiresAt, window.isEmpty else { return }
        Log.debug("connection ends after ttl", ["host": host.text])
        cycle.moveOn(now: now)
        close()
    }

    /// Ends the connection in order; windows on it are neither acknowledged nor given back.
    func close() {
        connection?.close()
        disconnect()
    }
}

// MARK: - Connecting

extension LumberjackConnection {
    /// Begins to connect; the client has asked `mayConnect`.
    func connect(now: Int64) {
        let target = cycle.current
        if target != host { hostMetrics = HostMetrics(metrics.metrics, host: target) }
        host = target
        do {
            if let resolution = try lookUps.begin(target) {
                resolved(resolution, now: now)
            } else {
                phase = .resolving(until: now + settings.connectTimeout.nanoseconds)
            }
        } catch {
            fail("no thread for the name look-up: \(error)", now: now)
        }
    }

    private func resolved(_ resolution: NameLookUps.Resolution, now: Int64) {
        switch resolution {
        case .addresses(let found):
            addresses = AddressOrder.rotated(found, turn: addressTurn)
            addressTurn += 1
            tryAddress(now: now)
        case .failure(let reason): fail(reason, now: now)
        }
    }

    /// Tries the next address of the host.
    private func tryAddress(now: Int64) {
        guard !addresses.isEmpty else {
            fail("the name has no address", now: now)
            return
        }
        let address = addresses.removeFirst()
        do {
            let connection = Connection(adopting: try Socket.connect(to: address))
            token = reactor.nextConnectionToken()
            interest = .write
            try reactor.add(connection.raw, interest, token: token)
            self.connection = connection
            phase = .connecting(until: now + settings.connectTimeout.nanoseconds)
        } catch {
            failAddress("\(address): \(error)", now: now)
        }
    }

    private func finishConnecting(now: Int64) {
        guard let connection else { return }
        if let error = connection.connectionError {
            failAddress("\(error)", now: now)
            return
        }
        guard let context = settings.tls else {
            connected(now: now)
            return
        }
        do {
            let name = settings.tlsServerName.isEmpty ? host.name : settings.tlsServerName
            try connection.startTLS(context, serverName: name)
            phase = .handshaking(until: now + settings.connectTimeout.nanoseconds)
            handshake(now: now)
        } catch {
            fail(error.description, now: now)
        }
    }

    private func handshake(now: Int64) {
        guard let connection else { return }
        do {
            switch try connection.handshake() {
            case .moved: connected(now: now)
            case .wantsRead: expect(.read)
            case .wantsWrite: expect(.write)
            case .closed: fail("the peer closed during the TLS handshake", now: now)
            }
        } catch {
            fail(error.description, now: now)
        }
    }

    private func connected(now: Int64) {
        metrics.connections.add()
        metrics.connectionsOpen.add(1)
        Log.info("connected", ["host": host.text, "tls": settings.tls == nil ? "no" : "yes"])
        phase = .connected
        acks = LumberjackAckReader()
        lastProgress = now
        connectedAt = now
        hasServed = false
        if settings.ttl > .zero {
            // A fleet that was started at once is not to reconnect at once.
            expiresAt = now + (settings.ttl * Double.random(in: 0.9...1.1)).nanoseconds
        }
        expect(.read)
    }

    private func expect(_ wanted: EventLoop.Interest) {
        guard let connection, interest != wanted else { return }
        do {
            try reactor.change(connection.raw, wanted, token: token)
            interest = wanted
        } catch {
            // The descriptor is registered and open; nothing but memory can be short.
            Log.limited(.error, key: "epoll", "cannot watch the connection", ["error": "\(error)"])
        }
    }
}

// MARK: - Failing

extension LumberjackConnection {
    /// One address did not work: the next, or the next host.
    private func failAddress(_ reason: String, now: Int64) {
        guard !addresses.isEmpty else {
            fail(reason, now: now)
            return
        }
        Log.debug("address failed", ["host": host.text, "error": reason])
        disconnect()
        tryAddress(now: now)
    }

    /// The host did not work, or the connection broke: its windows are to be sent again.
    private func fail(_ reason: String, now: Int64) {
        metrics.connectionErrors.add()
        hostMetrics.errors.add()
        lastFailure = "\(host.text): \(reason)"
        let wait = cycle.failed(wasConnected: isConnected, now: now, chance: Double.random(in: 0...1))
        let seen = giveBack()
        disconnect()
        Log.limited(
            .warning,
            key: "output \(host.text) \(reason)",
            "receiver failed",
            [
                "host": host.text, "error": reason, "windows_to_resend": "\(seen)",
                "retry": wait.map { "in \($0.nanoseconds / 1_000_000) ms" } ?? "next host",
            ]
        )
    }

    /// - Returns: how many windows the peer may have seen and will see again.
    private func giveBack() -> Int {
        let seen = window.disconnected(isBegun: written > 0)
        metrics.windowsResent.add(seen)
        for batch in batches.prefix(seen) { batch.failures += 1 }
        returned += batches
        batches.removeAll()
        return seen
    }

    private func disconnect() {
        if isConnected { metrics.connectionsOpen.add(-1) }
        if let connection { reactor.remove(connection.raw) }
        connection = nil
        phase = .idle
        readAcksAt = nil
        isBlocked = false
        written = 0
        expiresAt = .max
    }

    private func peerClosed(_ reason: String, now: Int64) {
        let isRefusal = !hasServed && now - connectedAt < Self.refusalTime
        guard window.isEmpty, !isRefusal else {
            fail(reason, now: now)
            return
        }
        // A server may end a connection on which nothing happens; the next window opens another.
        Log.debug("idle connection closed by the peer", ["host": host.text])
        disconnect()
    }
}

// MARK: - Sending

extension LumberjackConnection {
    private func writeWindows(now: Int64) {
        guard isConnected, let connection else { return }
        do {
            while let id = window.nextToSend, let batch = batches.first(where: { $0.id == id }) {
                let total = batch.frames.count
                let progress = try batch.frames.withUnsafeBytes { bytes throws(Connection.Failure) in
                    try connection.write(UnsafeRawBufferPointer(rebasing: bytes[written...]))
                }
                switch progress {
                case .moved(let count):
                    written += count
                    metrics.wireBytes.add(count)
                    lastProgress = now
                    if written == total {
                        written = 0
                        window.written()
                        metrics.windowsSent.add()
                    }
                case .wantsWrite:
                    block([.read, .write])
                    return
                case .wantsRead:
                    block(.read)
                    return
                case .closed:
                    fail("the peer closed the connection", now: now)
                    return
                }
            }
            expectAcks(now: now)
        } catch {
            fail(error.description, now: now)
        }
    }

    /// Waits until the socket lets a write go on.
    private func block(_ wanted: EventLoop.Interest) {
        isBlocked = true
        readAcksAt = nil
        expect(wanted)
    }

    /// Watches for acks if something waits for them, or for the peer's end of an idle connection.
    private func expectAcks(now: Int64) {
        isBlocked = false
        if window.isEmpty || !hasRoom(now: now) || settings.ackDelay == .zero {
            readAcksAt = nil
            expect(.read)
        } else {
            readAcksAt = now + settings.ackDelay.nanoseconds
            expect([])
        }
    }

    private func readAcks(now: Int64) {
        guard let connection else { return }
        defer { if isConnected, !isBlocked { expectAcks(now: now) } }
        while isConnected {
            do {
                let progress = try ackBuffer.withUnsafeMutableBufferPointer {
                    buffer throws(Connection.Failure) in
                    try connection.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                switch progress {
                case .moved(let count):
                    lastProgress = now
                    guard takeAcks(count, now: now), count == ackBuffer.count || settings.tls != nil else {
                        return
                    }
                case .wantsRead: return
                case .wantsWrite:
                    block([.read, .write])
                    return
                case .closed:
                    peerClosed("the peer closed the connection", now: now)
                    return
                }
            } catch {
                peerClosed(error.description, now: now)
                return
            }
        }
    }

    /// - Returns: false when the connection is given up.
    private func takeAcks(_ count: Int, now: Int64) -> Bool {
        var offset = 0
        let buffer = ackBuffer
        let bytes = buffer.span.bytes.extracting(0..<count)
        do {
            while let sequence = try acks.next(in: bytes, at: &offset) {
                switch window.acknowledged(sequence) {
                case .stored:
                    cycle.succeeded()
                    lastFailure = nil
                    hasServed = true
                    let batch = batches.removeFirst()
                    hostMetrics.eventsStored.add(Int(batch.count))
                    acknowledged.append(batch)
                case .wait: metrics.keepAlives.add()
                case .protocolError:
                    fail("protocol error: ack \(sequence) of events that were not sent", now: now)
                    return false
                }
            }
            return true
        } catch {
            fail("protocol error: \(error)", now: now)
            return false
        }
    }
}
