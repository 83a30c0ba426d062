import Glibc
import Synchronization

/// One request from its head to its answer.
///
/// Driven by the daemon's callbacks (`take`, `ended`) and by `HTTPServerLoop`. Between two rounds of the daemon it
/// is suspended, or waits for bytes, or its answer is on the way.
final class HTTPServerExchange: HTTPExchange, @unchecked Sendable {
    // Sendable is true because other threads call `wake` only, which touches the atomic and the thread's mail.

    /// What became of bytes that the daemon offered.
    enum Taking {
        case taken, left
        /// The connection is to be closed.
        case broken
    }

    let connection: HTTPServerConnection
    let isHead: Bool
    /// The answer that is decided but not on its way yet.
    private(set) var answer: HTTPResponse?
    /// Whether the answer is on its way, so that nothing can be changed about it.
    private(set) var isAnswered = false

    private let isWoken = Atomic(false)
    private unowned let loop: HTTPServerLoop
    private let thread: HTTPServerThread
    private var stream: (any HTTPBodyStream)?
    private let hasBody: Bool
    /// Whether the client sends its body after a `100 Continue` only.
    private let expectsContinue: Bool
    /// Whether the daemon may go on to the body.
    private var isOpen = false
    private var isComplete = false
    private var isSuspended = false
    private var hasSparedWake = false
    private var isOver = false

    init(_ request: HTTPRequest, on connection: HTTPServerConnection, of loop: HTTPServerLoop) {
        self.connection = connection
        self.loop = loop
        thread = loop.thread
        isHead = request.method == "HEAD"
        hasBody = request.announcesBody
        expectsContinue = request.header("expect") != nil
    }

    func wake() {
        if !isWoken.exchange(true, ordering: .acquiringAndReleasing) { thread.deliver(self) }
    }

    // MARK: - Called by the daemon

    /// Follows the worker's decision on the head.
    func open(_ opening: HTTPOpening) {
        switch opening {
        case .respond(let response):
            respond(response)
            // Otherwise the daemon would ask for the body.
            if hasBody, expectsContinue { suspend() } else { isOpen = true }
        case .stream(let stream):
            self.stream = stream
            isOpen = true
        case .wait(let stream):
            self.stream = stream
            wait()
        }
    }

    /// Takes a part of the body, or its end when `bytes` is empty.
    func take(_ bytes: UnsafeRawBufferPointer) -> Taking {
        guard !connection.isCut else { return .broken }
        // The daemon offers the next chunk even after it was suspended, and takes back what is left.
        guard !isSuspended else { return .left }
        guard isOpen else {
            // It repeats its first call when it was suspended there.
            isOpen = true
            if answer != nil, hasBody, expectsContinue { suspend() }
            return .taken
        }
        if !bytes.isEmpty {
            loop.tookBytes(connection)
            if let stream { follow(stream.receive(bytes.bytes)) }
            return .taken
        }
        if answer == nil, !isComplete {
            isComplete = true
            if let stream { follow(stream.finish()) }
        }
        if let answer { return queue(answer) ? .taken : .broken }
        if !isSuspended { wait() }
        if let answer { return queue(answer) ? .taken : .broken }
        return .taken
    }

    /// The daemon has sent the answer, or has lost the connection.
    func ended() {
        isOver = true
        connection.exchange = nil
        loop.endedRequest(connection)
        guard let stream else { return }
        self.stream = nil
        stream.cancelled()
    }

    // MARK: - Called by the loop

    /// Whether the client waits for us to read on, or to answer.
    var isWaiting: Bool { isSuspended && answer == nil }

    /// Hands out one or several calls of `wake`.
    func deliverWake() {
        isWoken.store(false, ordering: .sequentiallyConsistent)
        guard !isOver, let stream else { return }
        guard isSuspended else {
            hasSparedWake = true
            return
        }
        switch stream.resumed() {
        case .wait: return
        case .proceed:
            if isComplete { return }
        case .respond(let response): respond(response)
        }
        isSuspended = false
        connection.startClock(now: Clock.monotonic)
        connection.daemon.resume()
    }

    /// Ends the request with an answer that says why.
    ///
    /// - Returns: false when no answer fits in any more, so that the connection has to be cut.
    func interrupt(by cause: HTTPInterruption) -> Bool {
        guard !isAnswered, answer == nil, let stream, !(expectsContinue && !isComplete) else { return false }
        respond(stream.interrupted(by: cause))
        return true
    }

    /// Takes the connection from the daemon, to answer in the middle of a body.
    ///
    /// - Returns: nil when the answer is on its way, or nobody is there to read it.
    func takeOver() -> HTTPResponse? {
        guard !isOver, !isAnswered, !connection.isCut, let answer else { return nil }
        isAnswered = true
        suspend()
        return answer
    }

    /// Gives the connection up: the daemon finds it broken and closes it.
    func release() {
        connection.isCut = true
        shutdown(connection.socket, Int32(SHUT_RDWR))
        guard isSuspended else { return }
        isSuspended = false
        connection.daemon.resume()
    }

    // MARK: - Steps

    private func follow(_ step: HTTPStep) {
        switch step {
        case .proceed: break
        case .wait: wait()
        case .respond(let response): respond(response)
        }
    }

    /// Waits for a wake, which may have come already.
    private func wait() {
        while hasSparedWake, let stream {
            hasSparedWake = false
            switch stream.resumed() {
            case .wait: break
            case .proceed:
                if !isComplete { return }
            case .respond(let response): return respond(response)
            }
        }
        suspend()
        connection.stopClock(now: Clock.monotonic)
    }

    private func respond(_ response: HTTPResponse) {
        answer = response
        stream = nil
        loop.mustAnswer(self)
    }

    private func suspend() {
        guard !isSuspended else { return }
        isSuspended = true
        connection.daemon.suspend()
    }

    private func queue(_ answer: HTTPResponse) -> Bool {
        isAnswered = true
        return loop.queue(answer, on: connection)
    }
}
