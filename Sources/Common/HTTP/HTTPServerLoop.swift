import Glibc

/// One thread of an `HTTPServer`: what arrives, what is due, and when to stop.
final class HTTPServerLoop: @unchecked Sendable {
    // Sendable is true because after `init` only the server's thread touches it.

    enum Token {
        static let daemon: UInt64 = 0
        static let waker: UInt64 = 1
        static let listener: UInt64 = 2
        /// Connections and farewells count up from here.
        static let first: UInt64 = 16
    }

    private static let maxAccepts = 64
    /// For answers that say that the server stops.
    private static let answerNanoseconds: Int64 = 1_000_000_000

    let thread: HTTPServerThread
    private let settings: HTTPServer.Settings
    private let threads: [HTTPServerThread]
    private let ledger: HTTPConnectionLedger
    private var events: EventLoop
    private var daemon: HTTPDaemon?
    private var worker: (any HTTPWorker)?
    /// The thread that has it accepts for all.
    private var acceptor: HTTPAcceptor?
    /// By token, as farewells are.
    private var connections: [UInt64: HTTPServerConnection] = [:]
    /// The peer of the connection that the daemon is being given.
    private var arriving: Socket.Address?
    /// Requests with an answer that may have no way out through the daemon.
    private var unanswered: [HTTPServerExchange] = []
    private var farewells: [UInt64: HTTPFarewell] = [:]
    private var nextToken = Token.first
    /// What the last wait reported.
    private var ready: [EventLoop.Event] = []
    private var nextCheck: Int64 = 0
    private var nextTick: Int64 = 0
    private var isStopping = false
    /// All requests have their answers, or are lost.
    private var isInterrupted = false

    /// - Parameter listener: for one of the threads.
    init(
        _ settings: HTTPServer.Settings,
        _ certificates: HTTPCertificates?,
        thread index: Int,
        of threads: [HTTPServerThread],
        _ ledger: HTTPConnectionLedger,
        listener: consuming Descriptor?
    ) throws(HTTPServer.Failure) {
        self.settings = settings
        self.threads = threads
        self.ledger = ledger
        thread = threads[index]
        do throws(Errno) {
            events = try EventLoop()
            if let listener { acceptor = HTTPAcceptor(listener) }
            try events.add(thread.waker.descriptor, .read, token: Token.waker)
        } catch {
            throw .start(cause: error)
        }
        guard let daemon = HTTPDaemon(settings, certificates, for: self) else {
            guard certificates == nil else {
                throw .tls(.failed("GnuTLS refuses the certificate or its key"))
            }
            throw .start(cause: Errno(ENOMEM))
        }
        self.daemon = daemon
        do throws(Errno) {
            try events.add(daemon.epoll, .read, token: Token.daemon)
        } catch {
            daemon.stop()
            throw .start(cause: error)
        }
    }

    deinit {
        // Left for a loop that never ran.
        daemon?.stop()
    }

    static func from(_ context: UnsafeMutableRawPointer) -> HTTPServerLoop {
        Unmanaged<HTTPServerLoop>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: - The thread

    func run(_ makeWorker: (Int, HTTPServerThread) -> any HTTPWorker) {
        worker = makeWorker(thread.index, thread)
        while round() {}
        shutDown()
        worker?.ended()
        worker = nil
    }

    /// - Returns: false when it was the last.
    private func round() -> Bool {
        acceptor?.watch(in: &events, isFull: ledger.isFull, now: Clock.monotonic)
        awaitEvents()
        for arrival in takeMail() { add(arrival) }
        if isReady(Token.listener) { accept() }
        daemon?.run()
        answerEarly()
        for event in ready where event.token >= Token.first {
            proceed(event.token)
            if let connection = connections[event.token] { hungUp(connection, isBroken: event.isBroken) }
        }
        let now = Clock.monotonic
        if now >= nextCheck { checkDeadlines(now: now) }
        nextTick = worker?.tick(now: now) ?? .max
        let stopsAt = thread.stopsAt
        guard stopsAt < .max else { return true }
        if !isStopping { beginStopping() }
        if now >= stopsAt, !isInterrupted { interruptRequests() }
        return now < endsAt && hasUnansweredRequests
    }

    private func awaitEvents() {
        ready.removeAll(keepingCapacity: true)
        let patience = patience(now: Clock.monotonic)
        do throws(Errno) {
            try events.wait(timeout: patience) { ready.append($0) }
        } catch {
            fatalError("HTTP server: cannot wait for events: \(error)")
        }
        thread.hasTurned()
        if isReady(Token.waker) { thread.waker.reset() }
    }

    private func isReady(_ token: UInt64) -> Bool { ready.contains { $0.token == token } }

    /// Milliseconds until something is due without anything happening; -1 for never.
    private func patience(now: Int64) -> Int32 {
        guard daemon?.isPending != true else { return 0 }
        var due = min(nextTick, isInterrupted ? endsAt : thread.stopsAt)
        if let moment = acceptor?.retriesAt { due = min(due, moment) }
        if !connections.isEmpty || !farewells.isEmpty { due = min(due, nextCheck) }
        guard due < .max else { return -1 }
        return due <= now ? 0 : Int32(clamping: (due - now + 999_999) / 1_000_000)
    }

    /// Hands out wakes.
    ///
    /// - Returns: connections that another thread has accepted for this one.
    private func takeMail() -> [HTTPServerThread.Arrival] {
        guard isReady(Token.waker) else { return [] }
        let mail = thread.takeMail()
        for exchange in mail.woken { exchange.deliverWake() }
        return mail.arrivals
    }

    // MARK: - Connections

    private func accept() {
        // Bounded, for the connections that are there want to be served as well.
        for _ in 0..<Self.maxAccepts {
            guard !ledger.isFull, let accepted = acceptor?.accept(now: Clock.monotonic) else { return }
            let peer = accepted.peer
            let socket = accepted.take()
            guard let index = ledger.admit(HTTPServerConnection.name(of: peer)) else { continue }
            let arrival = HTTPServerThread.Arrival(socket: socket.release(), peer: peer)
            if index == thread.index { add(arrival) } else { threads[index].deliver(arrival) }
        }
    }

    private func add(_ arrival: HTTPServerThread.Arrival) {
        guard !isStopping else {
            close(arrival.socket)
            return
        }
        arriving = arrival.peer
        defer { arriving = nil }
        guard daemon?.add(arrival.socket, arrival.peer) != true else { return }
        // When it fails late, `closed` has been called.
        if arriving != nil { forget(HTTPServerConnection.name(of: arrival.peer)) }
        Log.limited(.error, key: "http-connection", "cannot serve a connection")
    }

    private func forget(_ address: String) {
        if ledger.release(thread: thread.index, address) { threads.forEach { $0.wake() } }
    }

    /// The daemon has begun to serve a connection.
    func opened(_ connection: HTTPDaemonConnection) -> HTTPServerConnection? {
        guard let peer = arriving else { return nil }
        arriving = nil
        connection.expectCertificate(settings.tls?.clientAuthentication ?? .none)
        let opened = HTTPServerConnection(
            connection,
            token: newToken(),
            peer: peer,
            deadline: now(plus: settings.readTimeout)
        )
        connections[opened.token] = opened
        do throws(Errno) {
            try events.add(opened.socket, [.hangUp, .once], token: opened.token)
        } catch {
            Log.limited(.error, key: "http-watch", "cannot watch a connection", ["error": "\(error)"])
        }
        return opened
    }

    private func newToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    /// The client sends no more.
    ///
    /// libmicrohttpd does not notice when that comes together with the last bytes: it takes a short read for the end
    /// of what is there, and an edge-triggered epoll does not tell it again.
    private func hungUp(_ connection: HTTPServerConnection, isBroken: Bool) {
        guard !connection.isCut else { return }
        connection.isHalfClosed = true
        if let exchange = connection.exchange, exchange.isWaiting {
            guard !isBroken else { return exchange.release() }
            // It still wants the answer, unless it breaks the connection too.
            do throws(Errno) {
                try events.change(connection.socket, .once, token: connection.token)
            } catch {
                exchange.release()
            }
        } else {
            endReading(connection)
        }
    }

    /// A part of a body was read: behind it the daemon may overlook the end again.
    func tookBytes(_ connection: HTTPServerConnection) {
        if connection.isHalfClosed { endReading(connection) }
    }

    /// Has the daemon close a connection that has no request; with TLS it still takes leave.
    private func endReading(_ connection: HTTPServerConnection) {
        // Causes a new edge.
        shutdown(connection.socket, Int32(SHUT_RD))
    }

    /// The daemon is about to close a connection.
    func closed(_ connection: HTTPServerConnection) {
        connections[connection.token] = nil
        forget(connection.peer)
        guard !connection.isCut, !isStopping, hasUnreadBytes(connection.socket) else { return }
        // The registration would live on with the copy, under a number that is used again.
        events.remove(connection.socket)
        do throws(Errno) {
            let socket = try Descriptor(adopting: fcntl(connection.socket, F_DUPFD_CLOEXEC, 0))
            start(HTTPFarewell(draining: socket, now: Clock.monotonic))
        } catch {
            Log.limited(.warning, key: "http-drain", "closed a connection early", ["error": "\(error)"])
        }
    }

    private func hasUnreadBytes(_ socket: Int32) -> Bool {
        var count: Int32 = 0
        return ioctl(socket, UInt(FIONREAD), &count) == 0 && count > 0
    }

    // MARK: - Requests

    /// The first line of a request has arrived.
    func startedRequest(_ connection: HTTPServerConnection) {
        connection.deadline = now(plus: settings.readTimeout)
    }

    /// The head of a request has arrived.
    func begin(
        _ daemon: HTTPDaemonConnection,
        method: String,
        target: String,
        version: String
    ) -> HTTPServerExchange? {
        guard let connection = daemon.owner, let worker, !connection.isCut else { return nil }
        let request = HTTPRequest(
            method: method,
            path: RequestTarget.path(target),
            query: daemon.query,
            headers: daemon.headers,
            peer: connection.peer,
            peerPort: connection.peerPort,
            isSecure: settings.tls != nil
        )
        let exchange = HTTPServerExchange(request, on: connection, of: self)
        connection.exchange = exchange
        if var refusal = request.refusal(target: target, version: version) {
            // Where the next request would begin is not certain.
            refusal.closesConnection = true
            exchange.open(.respond(refusal))
        } else {
            exchange.open(worker.open(request, exchange))
        }
        return exchange
    }

    /// A request is over, and the connection may have another.
    func endedRequest(_ connection: HTTPServerConnection) {
        connection.deadline = now(plus: settings.idleTimeout)
        if isStopping || connection.isHalfClosed { endReading(connection) }
    }

    /// Gives the answer to a complete request to the daemon.
    func queue(_ answer: HTTPResponse, on connection: HTTPServerConnection) -> Bool {
        connection.deadline = now(plus: settings.writeTimeout)
        guard thread.stopsAt < .max, !answer.closesConnection else { return connection.daemon.queue(answer) }
        var answer = answer
        answer.closesConnection = true
        return connection.daemon.queue(answer)
    }

    /// `exchange` has an answer, and the daemon may not ask for it.
    func mustAnswer(_ exchange: HTTPServerExchange) { unanswered.append(exchange) }

    /// Answers requests of whose bodies the daemon waits for more.
    private func answerEarly() {
        guard !unanswered.isEmpty else { return }
        for exchange in unanswered {
            guard let answer = exchange.takeOver() else { continue }
            let bytes = answer.closingBytes(hasBody: !exchange.isHead, now: Clock.now)
            exchange.connection.deadline = .max
            start(HTTPFarewell(bytes, to: exchange, until: now(plus: settings.writeTimeout)))
        }
        unanswered.removeAll(keepingCapacity: true)
    }

    // MARK: - Farewells

    private func start(_ farewell: HTTPFarewell) {
        let token = newToken()
        farewells[token] = farewell
        do throws(Errno) {
            // A connection's socket is watched for its end already.
            if farewell.exchange == nil {
                try events.add(farewell.socket, .read, token: token)
            } else {
                try events.change(farewell.socket, .read, token: token)
            }
        } catch {
            Log.limited(.error, key: "http-farewell", "cannot watch a connection", ["error": "\(error)"])
            return end(token)
        }
        proceed(token)
    }

    private func proceed(_ token: UInt64) {
        guard let farewell = farewells[token] else { return }
        let interest: EventLoop.Interest
        switch farewell.proceed() {
        case .wantsRead: interest = .read
        case .wantsWrite: interest = .write
        case .wantsBoth: interest = [.read, .write]
        case .over: return end(token)
        }
        do throws(Errno) {
            try events.change(farewell.socket, interest, token: token)
        } catch {
            Log.limited(.error, key: "http-farewell", "cannot watch a connection", ["error": "\(error)"])
            end(token)
        }
    }

    private func end(_ token: UInt64) {
        guard let farewell = farewells.removeValue(forKey: token) else { return }
        events.remove(farewell.socket)
        farewell.exchange?.release()
    }

    // MARK: - Time

    private func now(plus duration: Duration) -> Int64 { Clock.monotonic + duration.nanoseconds }

    private func checkDeadlines(now: Int64) {
        nextCheck = now + settings.checkInterval
        for connection in connections.values where connection.deadline < now {
            if connection.exchange?.interrupt(by: .timeout) != true { cut(connection) }
        }
        answerEarly()
        for (token, farewell) in farewells where farewell.deadline < now { end(token) }
    }

    private func cut(_ connection: HTTPServerConnection) {
        connection.isCut = true
        // The daemon sees the end of the stream and cleans up.
        shutdown(connection.socket, Int32(SHUT_RDWR))
    }

    // MARK: - Stopping

    /// Takes no more connections, and ends those without a request.
    private func beginStopping() {
        isStopping = true
        acceptor?.close(in: &events)
        acceptor = nil
        for connection in connections.values where connection.exchange == nil { endReading(connection) }
    }

    /// Tells clients whose requests could not be answered in time.
    private func interruptRequests() {
        isInterrupted = true
        for connection in connections.values { _ = connection.exchange?.interrupt(by: .stop) }
        answerEarly()
    }

    /// When even those are given up that have not taken their answers.
    private var endsAt: Int64 { thread.stopsAt + Self.answerNanoseconds }

    private var hasUnansweredRequests: Bool {
        // Of those whose answer the client has, only the end is still to come.
        connections.count > farewells.values.count { $0.exchange != nil && $0.isAnswerSent }
    }

    private func shutDown() {
        for arrival in thread.takeMail(closing: true).arrivals { close(arrival.socket) }
        for token in Array(farewells.keys) { end(token) }
        // Those without a request take leave in good order, the others do not.
        daemon?.run()
        for connection in connections.values {
            cut(connection)
            connection.exchange?.release()
        }
        // Connections that were suspended must have been resumed once before the end.
        daemon?.run()
        daemon?.stop()
        daemon = nil
        unanswered = []
    }
}
