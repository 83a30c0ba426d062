import Common
import Glibc
import Synchronization

/// What happened to the requests of a `ProbeWorker`, for the test's thread to see.
final class Probe: Sendable {
    struct State: Sendable {
        var exchanges: [any HTTPExchange] = []
        var cancelled = 0
        var finished = 0
        var received: [UInt8] = []
        var resumed = 0
        var isReady = false
        var ticks = 0
        var threads: [HTTPServerThread] = []
    }

    let state = Mutex(State())

    func count(_ path: KeyPath<State, Int>) -> Int { state.withLock { $0[keyPath: path] } }

    /// Lets requests that wait at their end be answered.
    func release() {
        let exchanges = state.withLock { state in
            state.isReady = true
            return state.exchanges
        }
        for exchange in exchanges { exchange.wake() }
    }

    /// Waits until `condition` holds, 10 s at most.
    func eventually(_ condition: (State) -> Bool) -> Bool {
        let deadline = Clock.monotonic + 10_000_000_000
        while Clock.monotonic < deadline {
            if state.withLock({ condition($0) }) { return true }
            usleep(1000)
        }
        return false
    }
}

/// Does with each request what its path asks for.
final class ProbeWorker: HTTPWorker {
    private let index: Int
    private let probe: Probe

    init(_ index: Int, _ thread: HTTPServerThread, _ probe: Probe) {
        self.index = index
        self.probe = probe
        probe.state.withLock { $0.threads.append(thread) }
    }

    func open(_ request: HTTPRequest, _ exchange: any HTTPExchange) -> HTTPOpening {
        probe.state.withLock { $0.exchanges.append(exchange) }
        let stream = ProbeStream(request, exchange, probe)
        switch request.path {
        case "/thread": return .respond(text(200, "\(index)"))
        case "/accepted": return .respond(HTTPResponse(status: 202))
        case "/unchanged":
            return .respond(
                HTTPResponse(status: 304, headers: [.init("Etag", "\"1\"")], body: Array("{}".utf8))
            )
        case "/headers":
            let headers = [("B", "1"), ("A", "2"), ("B", "3")].map { HTTPRequest.Field($0.0, $0.1) }
            return .respond(HTTPResponse(status: 200, headers: headers, body: Array("x".utf8)))
        case "/closing":
            var response = text(401, "no")
            response.closesConnection = true
            return .respond(response)
        case "/refused": return .respond(text(403, "refused"))
        case "/facts":
            let port = request.peerPort > 0 ? "port" : "none"
            return .respond(text(200, "\(request.method) \(request.peer) \(port) \(request.isSecure)"))
        case "/large":
            return .respond(HTTPResponse(status: 200, body: [UInt8](repeating: 65, count: 64 << 20)))
        case "/collected":
            var body: [UInt8] = []
            let resumed = { HTTPStep.respond(HTTPResponse(status: 200, body: body)) }
            return CollectedBody(of: request, maxBytes: 10, whenResumed: resumed) { request in
                body = request.body
                return .wait
            }.opening
        case "/opening-wait": return .wait(stream)
        default: return .stream(stream)
        }
    }

    func tick(now: Int64) -> Int64 {
        probe.state.withLock { $0.ticks += 1 }
        return .max
    }

    private func text(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status: status, body: Array(text.utf8))
    }
}

private final class ProbeStream: HTTPBodyStream {
    private let path: String
    private let exchange: any HTTPExchange
    private let probe: Probe
    private var body: [UInt8] = []
    private var isComplete = false
    private var isCancelled = false

    init(_ request: HTTPRequest, _ exchange: any HTTPExchange, _ probe: Probe) {
        path = request.path
        self.exchange = exchange
        self.probe = probe
    }

    func receive(_ bytes: RawSpan) -> HTTPStep {
        bytes.withUnsafeBytes { part in
            body += part
            probe.state.withLock { $0.received += part }
        }
        switch path {
        // Woken before the server knows that it waits.
        case "/wait-each-early":
            exchange.wake()
            return .wait
        // Woken by another thread, some time.
        case "/wait-each":
            guard (try? Thread("waker") { [exchange] in exchange.wake() }) != nil else { return .proceed }
            return .wait
        case "/wait-each-long": return isReady ? .proceed : .wait
        // All that the client sends is there before the second part is read.
        case "/slow":
            usleep(5000)
            return .proceed
        case "/early": return .respond(HTTPResponse(status: 429, body: Array("too many".utf8)))
        case "/early-large":
            return .respond(HTTPResponse(status: 429, body: [UInt8](repeating: 65, count: 16 << 20)))
        default: return .proceed
        }
    }

    func finish() -> HTTPStep {
        isComplete = true
        probe.state.withLock { $0.finished += 1 }
        switch path {
        case "/wait-end", "/wait-each-long": return isReady ? answer(probe) : .wait
        default: return answer(probe)
        }
    }

    func resumed() -> HTTPStep {
        probe.state.withLock { $0.resumed += 1 }
        guard isComplete else { return path == "/wait-each-long" && !isReady ? .wait : .proceed }
        return isReady ? answer(probe) : .wait
    }

    func cancelled() { probe.state.withLock { $0.cancelled += 1 } }

    func answer(_ probe: Probe) -> HTTPStep { .respond(HTTPResponse(status: 200, body: body)) }

    private var isReady: Bool { probe.state.withLock { $0.isReady } }
}
