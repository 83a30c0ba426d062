import Common
import Synchronization

/// The requests of all connections of an `IntakeLoad`, and what was answered.
final class IntakeAgents: Sendable {
    /// Requests made before the clock starts; connections take them in turn.
    private static let distinctRequests = 64

    private let requests: [[UInt8]]
    private let total: Int
    private let port: Int
    private let next = Atomic<Int>(0)
    private let latencies = Mutex(Latencies())
    private let failure = Mutex<String?>(nil)

    init(_ payload: IntakePayload, requests total: Int, isCompressed: Bool, port: Int) {
        self.total = total
        self.port = port
        var chance = SplitMix(seed: 7)
        let compressor = DeflateCompressor(level: 5)
        requests = (0..<Self.distinctRequests).map { _ in
            var body = payload.body(&chance)
            if isCompressed {
                var packed = ByteBuffer()
                body.withSpan { compressor.compress($0, as: .gzip, into: &packed) }
                body = packed
            }
            var request = ByteBuffer()
            request.append(
                "POST /intake/v2/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n"
            )
            request.append(
                "Content-Type: application/x-ndjson\r\nUser-Agent: apm-agent-python/6.26.2 (shop 1.2.3)\r\n"
            )
            if isCompressed { request.append("Content-Encoding: gzip\r\n") }
            request.append("Content-Length: \(body.count)\r\n\r\n")
            body.withSpan { request.append($0) }
            return request.array
        }
    }

    /// Sends on one connection until all requests are taken.
    func run() {
        do {
            let stream = try Stream(connectingTo: port)
            var outgoing = ByteBuffer()
            var received = ByteBuffer()
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < total else { return }
                outgoing.removeAll()
                outgoing.append(requests[number % requests.count])
                let started = Clock.monotonic
                try stream.write(outgoing)
                try readAnswer(stream, &received)
                let taken = Clock.monotonic - started
                latencies.withLock { $0.add(taken) }
            }
        } catch {
            failure.withLock { $0 = "\(error)" }
        }
    }

    /// The totals as a report.
    ///
    /// - Throws: what went wrong on any connection.
    func report(seconds: Double) throws(BenchError) -> String {
        if let failure = failure.withLock({ $0 }) { throw BenchError(failure) }
        let bytes = requests.reduce(0) { $0 + $1.count } / requests.count
        return
            "{\"event\":\"answered\",\"events\":\(total * IntakePayload.eventsPerRequest),\"seconds\":\(seconds)"
            + ",\"request_bytes\":\(bytes)\(latencies.withLock { $0.json })}"
    }

    /// Waits for `202 Accepted` without a body.
    private func readAnswer(_ stream: Stream, _ received: inout ByteBuffer) throws {
        received.removeAll()
        while true {
            guard try stream.read(into: &received, atMost: 4096) > 0 else {
                throw BenchError("the server closed the connection: \(received.text)")
            }
            let isComplete = received.withSpan { bytes in
                bytes.firstIndex(of: "\r\n\r\n", in: 0..<bytes.byteCount) != nil
            }
            guard isComplete else { continue }
            let isAccepted = received.withSpan { $0.byteCount > 12 && $0.equals("HTTP/1.1 202", 0..<12) }
            guard isAccepted else { throw BenchError("not accepted: \(received.text)") }
            return
        }
    }
}
