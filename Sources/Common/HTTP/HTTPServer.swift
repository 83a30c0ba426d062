/// An HTTP/1.1 server on one or several threads.
///
/// Connections, headers, bodies and the time of a request are bounded, so that a hostile client costs a known
/// amount of memory and loses its connection in the end.
package final class HTTPServer: Sendable {
    package struct Settings: Sendable {
        /// A name, an address, or `unix:/path`.
        package var host: String
        /// 0 lets the system choose; `address` tells.
        package var port: Int
        /// Without TLS when nil.
        package var tls: TLSServerSettings?
        package var threadName = "http"
        /// Further ones wait in the kernel; 0 for no limit.
        package var maxConnections = 64
        /// Further ones are closed; 0 for no limit of its own.
        package var maxConnectionsPerAddress = 0
        /// Request line and headers; more is answered 431.
        ///
        /// It is memory of the connection as long as that is open, and wiped after each request.
        package var maxHeaderBytes = 32 * 1024
        /// A larger body is answered 413; for the server of an `HTTPRouter`.
        package var maxBodyBytes = 64 * 1024
        /// How long a request may take to arrive completely, without the time that it waits for us.
        package var readTimeout = Duration.seconds(30)
        /// How long an answer may take to be sent.
        package var writeTimeout = Duration.seconds(30)
        /// How long a connection is kept for the next request.
        package var idleTimeout = Duration.seconds(45)

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// How often deadlines are looked at, in nanoseconds.
        var checkInterval: Int64 {
            let shortest = min(readTimeout, writeTimeout, idleTimeout).nanoseconds
            return max(10_000_000, min(1_000_000_000, shortest / 4))
        }
    }

    /// Why there is no server.
    package enum Failure: Error, CustomStringConvertible {
        case resolution(Socket.ResolutionFailure)
        case listen(address: String, cause: Errno)
        case tls(TLSError)
        case start(cause: Errno)

        package var description: String {
            switch self {
            case .resolution(let failure): "cannot listen: \(failure)"
            case .listen(let address, let cause): "cannot listen on \(address): \(cause)"
            case .tls(let error): "cannot listen with TLS: \(error)"
            case .start(let cause): "cannot start the HTTP server: \(cause)"
            }
        }
    }

    /// Where the server listens, with the port that the system chose.
    package let address: Socket.Address
    private let threads: [HTTPServerThread]
    private let running: [Thread]
    private let socketFile: UnixSocketFile?
    private let ledger: HTTPConnectionLedger

    /// Open connections.
    package var connectionCount: Int { ledger.total }

    /// Starts to listen and to answer.
    package convenience init(_ settings: Settings, router: HTTPRouter) throws(Failure) {
        let limit = settings.maxBodyBytes
        try self.init(settings, threads: 1) { _, _ in HTTPRouterWorker(router, maxBodyBytes: limit) }
    }

    /// Starts to listen, on so many threads, each with a worker of its own.
    ///
    /// - Parameters:
    ///   - count: 1 at least.
    ///   - makeWorker: called on each thread with its index before anything else happens there.
    package init(
        _ settings: Settings,
        threads count: Int,
        makeWorker: @escaping @Sendable (Int, HTTPServerThread) -> any HTTPWorker
    ) throws(Failure) {
        let certificates: HTTPCertificates?
        do throws(TLSError) {
            certificates = if let tls = settings.tls { try HTTPCertificates(tls) } else { nil }
        } catch {
            throw .tls(error)
        }
        let listener = try HTTPListener.open(host: settings.host, port: settings.port)
        let ledger = HTTPConnectionLedger(
            threads: count,
            limit: settings.maxConnections,
            addressLimit: settings.maxConnectionsPerAddress
        )
        self.ledger = ledger
        let threads: [HTTPServerThread]
        do throws(Errno) {
            address = try Socket.localAddress(of: listener.raw)
            threads = try (0..<count).map { index throws(Errno) in try HTTPServerThread(index: index) }
        } catch {
            throw .start(cause: error)
        }
        self.threads = threads
        socketFile = UnixSocketFile(address)
        var loops = [
            try HTTPServerLoop(settings, certificates, thread: 0, of: threads, ledger, listener: listener)
        ]
        for index in threads.indices.dropFirst() {
            loops.append(
                try HTTPServerLoop(settings, certificates, thread: index, of: threads, ledger, listener: nil)
            )
        }
        var running: [Thread] = []
        do throws(Errno) {
            for (index, loop) in loops.enumerated() {
                let name = count > 1 ? "\(settings.threadName)-\(index)" : settings.threadName
                running.append(try Thread(name) { loop.run(makeWorker) })
            }
        } catch {
            for thread in threads { thread.stop(at: 0) }
            for thread in threads { thread.wake() }
            for thread in running { thread.join() }
            socketFile?.remove()
            throw .start(cause: error)
        }
        self.running = running
    }

    deinit { stop() }

    /// Makes every thread call `HTTPWorker.tick` soon.
    package func wake() {
        for thread in threads { thread.wake() }
    }

    /// How often the loop of each thread has turned; each wake is at least one turn.
    package var turns: [Int] { threads.map(\.turns) }

    /// Takes no more requests, lets those that run come to their answers, and closes all connections and the port.
    ///
    /// Answers when that is done.
    ///
    /// - Parameter within: how long to wait for running requests; those that are left are cancelled.
    package func stop(within patience: Duration = .zero) {
        let moment = patience == .zero ? 0 : Clock.monotonic + patience.nanoseconds
        // All know before one acts: from its first sign on, every answer closes its connection.
        for thread in threads { thread.stop(at: moment) }
        wake()
        for thread in running { thread.join() }
        socketFile?.remove()
    }
}
