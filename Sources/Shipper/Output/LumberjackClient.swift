import Common
import Glibc

/// Sends windows to one of several receivers and keeps each until it is acknowledged.
///
/// The rim around `SendWindow` and `Backoff`: sockets, names and clocks. It connects when there is something to
/// send, and stays connected until the peer or an error ends that.
///
///     idle ──submit──> resolving ──> connecting ──> handshaking ──> connected
///      ^                   │              │               │             │
///      └── idle peer left ─┴── waiting <──┴───────────────┴─────────────┘
final class LumberjackClient {
    struct Host: Equatable, Sendable {
        let name: String
        let port: Int
        var text: String { name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)" }
    }

    struct Settings: Sendable {
        var hosts: [Host]
        var pipelining = 2
        /// Without a byte moved in either direction while acks are due.
        var timeout = Duration.seconds(30)
        var connectTimeout = Duration.seconds(10)
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60))
        var tls: TLSContext?
        /// Empty: the host's name.
        var tlsServerName = ""
        /// How long an ack may lie unread while another window may be sent anyway: a trickle of lines then
        /// needs no wake-up of its own for each ack.
        var ackDelay = Duration.milliseconds(100)
    }

    private enum Phase {
        case idle
        case waiting(until: Int64)
        case resolving(BackgroundCall<Resolution>, until: Int64)
        case connecting(until: Int64)
        case handshaking(until: Int64)
        case connected
    }

    private enum Resolution: Sendable {
        case addresses([Socket.Address])
        case failure(String)
    }

    private let settings: Settings
    private let reactor: Reactor
    private let metrics: ShipperMetrics
    private var window: SendWindow
    private var backoff: Backoff
    private var batches: [Batch] = []
    private var stored: [Batch] = []

    private var phase = Phase.idle
    private var host: Int
    /// Hosts that failed since one worked.
    private var failedHosts = 0
    private var addresses: [Socket.Address] = []
    private var connection: Connection?
    private var token = Reactor.Token.firstConnection
    private var interest: EventLoop.Interest = []
    private var acks = LumberjackAckReader()
    /// Bytes of `window.nextToSend` that are written.
    private var written = 0
    private var lastProgress: Int64 = 0
    /// When acks are read although the socket is not watched for them; nil while it is.
    private var readAcksAt: Int64?
    /// Whether a write, or TLS within a read, waits for the socket.
    private var isBlocked = false
    /// When the oldest window became the oldest.
    private var oldestSince: Int64 = 0
    private var ackBuffer = [UInt8](repeating: 0, count: 4096)

    init(settings: Settings, reactor: Reactor, metrics: ShipperMetrics) {
        self.settings = settings
        self.reactor = reactor
        self.metrics = metrics
        window = SendWindow(limit: settings.pipelining)
        backoff = settings.backoff
        host = Int.random(in: 0..<max(settings.hosts.count, 1))
    }

    /// Whether another window may be submitted.
    var hasRoom: Bool { !window.isFull }
    var outstanding: Int { window.outstanding }
    var isConnected: Bool { if case .connected = phase { true } else { false } }

    /// How long the oldest window has waited for its ack (nanoseconds).
    func oldestWindowAge(now: Int64) -> Int64 { batches.isEmpty ? 0 : now - oldestSince }

    /// The next moment at which `tick` must be called (monotonic nanoseconds).
    var deadline: Int64? {
        switch phase {
        case .idle: nil
        case .waiting(let until), .resolving(_, let until), .connecting(let until), .handshaking(let until):
            until
        case .connected:
            window.isEmpty ? nil : min(lastProgress + settings.timeout.nanoseconds, readAcksAt ?? .max)
        }
    }

    /// Takes a window; the caller has asked `hasRoom`.
    func submit(_ batch: Batch, now: Int64) {
        if window.isEmpty {
            lastProgress = now
            oldestSince = now
        }
        batches.append(batch)
        window.append(batch.id, count: batch.count)
        metrics.windowsOutstanding.set(window.outstanding)
        if case .idle = phase { connectNext(now: now) } else { writeWindows(now: now) }
    }

    /// Adds progress without events to the youngest window; false when there is none.
    func attach(_ progress: [Batch.Progress]) -> Bool {
        guard let last = batches.last else { return false }
        last.progress += progress
        return true
    }

    /// The windows acknowledged since the last call, in order.
    func takeStored() -> [Batch] {
        defer { stored.removeAll(keepingCapacity: true) }
        return stored
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
        case .idle, .waiting, .resolving: break
        }
    }

    /// Does what time or another thread has made due.
    func tick(now: Int64) {
        switch phase {
        case .idle: break
        case .waiting(let until): if now >= until { connectNext(now: now) }
        case .resolving(let call, let until):
            if let resolution = call.take() {
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

    func close() {
        connection?.close()
        disconnect()
        phase = .idle
    }
}

// MARK: - Connecting

extension LumberjackClient {
    private var currentHost: Host { settings.hosts[host % settings.hosts.count] }

    private func connectNext(now: Int64) {
        let target = currentHost
        let deadline = now + settings.connectTimeout.nanoseconds
        if Self.isNumeric(target.name) {
            resolved(Self.resolve(target), now: now)
            return
        }
        do {
            let call = try BackgroundCall("dns", waker: reactor.waker) { Self.resolve(target) }
            phase = .resolving(call, until: deadline)
        } catch {
            fail("no thread for the name look-up: \(error)", now: now)
        }
    }

    private static func resolve(_ host: Host) -> Resolution {
        do {
            return .addresses(try Socket.resolve(host.name, port: host.port))
        } catch {
            return .failure(error.description)
        }
    }

    private static func isNumeric(_ name: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
    }

    private func resolved(_ resolution: Resolution, now: Int64) {
        switch resolution {
        case .addresses(let found):
            addresses = found
            connect(now: now)
        case .failure(let reason): fail(reason, now: now)
        }
    }

    /// Tries the next address of the host.
    private func connect(now: Int64) {
        guard !addresses.isEmpty else {
            fail("the name has no address", now: now)
            return
        }
        let address = addresses.removeFirst()
        do {
            let connection = Connection(adopting: try Socket.connect(to: address))
            token += 1
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
            let name = settings.tlsServerName.isEmpty ? currentHost.name : settings.tlsServerName
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
        Log.info("connected", ["host": currentHost.text, "tls": settings.tls == nil ? "no" : "yes"])
        phase = .connected
        acks = LumberjackAckReader()
        written = 0
        lastProgress = now
        expect(.read)
        writeWindows(now: now)
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

    /// One address did not work: the next, or the next host.
    private func failAddress(_ reason: String, now: Int64) {
        guard !addresses.isEmpty else {
            fail(reason, now: now)
            return
        }
        Log.debug("address failed", ["host": currentHost.text, "error": reason])
        disconnect()
        connect(now: now)
    }

    /// The host did not work, or the connection broke: all windows will be sent again, in order.
    private func fail(_ reason: String, now: Int64) {
        let wasConnected = isConnected
        metrics.connectionErrors.add()
        let again = disconnect()
        let failedHost = currentHost
        host = (host + 1) % settings.hosts.count
        failedHosts += 1
        guard wasConnected || failedHosts >= settings.hosts.count else {
            warn(failedHost, reason, again, wait: nil)
            connectNext(now: now)
            return
        }
        failedHosts = 0
        let wait = backoff.failed(chance: Double.random(in: 0...1))
        warn(failedHost, reason, again, wait: wait)
        phase = .waiting(until: now + wait.nanoseconds)
    }

    private func warn(_ host: Host, _ reason: String, _ again: Int, wait: Duration?) {
        Log.limited(
            .warning,
            key: "output " + reason,
            "receiver failed",
            [
                "host": host.text, "error": reason, "windows_to_resend": "\(again)",
                "retry": wait.map { "in \($0.nanoseconds / 1_000_000) ms" } ?? "next host",
            ]
        )
    }

    /// - Returns: how many windows the peer may have seen and will see again.
    @discardableResult
    private func disconnect() -> Int {
        if let connection { reactor.remove(connection.raw) }
        connection = nil
        readAcksAt = nil
        isBlocked = false
        written = 0
        let again = window.disconnected()
        metrics.windowsResent.add(again)
        return again
    }
}

// MARK: - Sending

extension LumberjackClient {
    private func writeWindows(now: Int64) {
        guard case .connected = phase, let connection else { return }
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
        if window.isEmpty || window.isFull || settings.ackDelay == .zero {
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
        while case .connected = phase {
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
                    peerClosed(now: now)
                    return
                }
            } catch {
                fail(error.description, now: now)
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
                case .stored: storeOldest(now: now)
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

    private func storeOldest(now: Int64) {
        oldestSince = now
        // Only an ack proves that the receiver works: one that accepts and then closes would else be
        // asked without pause.
        backoff.succeeded()
        failedHosts = 0
        metrics.windowsStored.add()
        metrics.windowsOutstanding.set(window.outstanding)
        stored.append(batches.removeFirst())
    }

    private func peerClosed(now: Int64) {
        guard window.isEmpty else {
            fail("the peer closed the connection", now: now)
            return
        }
        // A server may end a connection on which nothing happens; the next window opens another.
        Log.debug("idle connection closed by the peer", ["host": currentHost.text])
        disconnect()
        phase = .idle
    }
}
