import CLinux
import Common
import Glibc
import Synchronization

/// Accepts connections on the ports of all inputs and deals them out to the workers.
final class BeatsListener {
    /// Why a port cannot be listened on.
    struct Failure: Error, CustomStringConvertible {
        let host: String
        let port: Int
        let cause: String
        var description: String { "cannot listen on \(host):\(port): \(cause)" }
    }

    private final class Port {
        let socket: Descriptor
        let address: Socket.Address
        init(socket: consuming Descriptor, address: Socket.Address) {
            self.socket = socket
            self.address = address
        }
    }

    private let ports: [Port]
    private let limit: Int
    private let mailboxes: [WorkerMailbox]
    private let metrics: IngestMetrics
    private var loop: EventLoop
    private var nextWorker = 0
    private let waker: Waker
    private static let wakerToken = UInt64.max
    /// How long accepting pauses when the process has no descriptor left (EMFILE): the backlog waits.
    private static let exhaustedPause: Int64 = 100_000_000

    /// Binds all ports.
    init(
        inputs: [InputConfiguration],
        connectionLimit: Int,
        mailboxes: [WorkerMailbox],
        metrics: IngestMetrics
    ) throws {
        ports = try inputs.map { try Self.bind($0) }
        limit = connectionLimit
        self.mailboxes = mailboxes
        self.metrics = metrics
        waker = try Waker()
        loop = try EventLoop()
        try loop.add(waker.descriptor, .read, token: Self.wakerToken)
        for (index, port) in ports.enumerated() { try loop.add(port.socket.raw, .read, token: UInt64(index)) }
    }

    /// The bound addresses, in the order of the inputs.
    var addresses: [Socket.Address] { ports.map(\.address) }

    /// Ends `run` from another thread.
    var stopper: Waker { waker }

    /// Accepts until the stopper wakes.
    func run() {
        var isStopped = false
        while !isStopped {
            do {
                var ready: [UInt64] = []
                try loop.wait(timeout: -1) { ready.append($0.token) }
                for token in ready {
                    if token == Self.wakerToken { isStopped = true } else { accept(input: Int(token)) }
                }
            } catch {
                fatalError("epoll_wait failed: \(error)")
            }
        }
    }

    private func accept(input: Int) {
        do {
            while let accepted = try Socket.accept(on: ports[input].socket) {
                let peer = accepted.peer
                let socket = accepted.take()
                metrics.connectionsAccepted.add()
                guard metrics.connectionsOpen.current < limit else {
                    metrics.connectionsRefused.add()
                    Log.limited(
                        .warning,
                        key: "connections",
                        "connection refused: limits.connections is reached",
                        ["peer": "\(peer)", "limit": "\(limit)"]
                    )
                    continue
                }
                metrics.connectionsOpen.add(1)
                nextWorker = (nextWorker + 1) % mailboxes.count
                mailboxes[nextWorker].send(.connection(socket.release(), peer: peer, input: input))
            }
        } catch {
            Log.limited(
                .error,
                key: "accept",
                "cannot accept connections; the system's backlog holds them, trying again",
                ["error": "\(error)"]
            )
            usleep(UInt32(Self.exhaustedPause / 1000))
        }
    }

    private static func bind(_ input: InputConfiguration) throws(Failure) -> Port {
        func failure(_ cause: String) -> Failure { Failure(host: input.host, port: input.port, cause: cause) }
        let addresses: [Socket.Address]
        do { addresses = try Socket.resolve(input.host, port: input.port, passive: true) } catch {
            throw failure("\(error)")
        }
        guard let address = addresses.first else { throw failure("the name has no address") }
        do {
            let socket = try Socket.listen(on: address)
            let bound = try Socket.localAddress(of: socket.raw)
            return Port(socket: socket, address: bound)
        } catch {
            throw failure("\(error)")
        }
    }
}
