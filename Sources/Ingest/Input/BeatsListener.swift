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

    /// A bound socket that listens.
    final class Port: Sendable {
        let input: OpenInput
        fileprivate let socket: Descriptor

        fileprivate init(_ input: OpenInput, socket: consuming Descriptor) {
            self.input = input
            self.socket = socket
        }
    }

    /// What other threads tell the accepting one.
    final class Orders: Sendable {
        enum Order: Sendable {
            case open(Port)
            /// Stop accepting for the input of this number.
            case close(Int)
            case stop
        }

        private let orders = Mutex<[Order]>([])
        fileprivate let waker: Waker

        fileprivate init() throws(Errno) { waker = try Waker() }

        func send(_ order: Order) {
            orders.withLock { $0.append(order) }
            waker.wake()
        }

        fileprivate func takeAll() -> [Order] {
            waker.reset()
            return orders.withLock { orders in
                defer { orders = [] }
                return orders
            }
        }
    }

    let orders: Orders
    /// By the number of the input.
    private var ports: [Int: Port] = [:]
    private let limit: Int
    private let mailboxes: [WorkerMailbox]
    private let metrics: IngestMetrics
    private var loop: EventLoop
    private var nextWorker = 0
    private static let ordersToken = UInt64.max
    /// How long accepting pauses when the process has no descriptor left (EMFILE): the backlog waits.
    private static let exhaustedPause: Int64 = 100_000_000

    /// - Parameter ports: from `bind`.
    init(
        ports: [Port],
        connectionLimit: Int,
        mailboxes: [WorkerMailbox],
        metrics: IngestMetrics
    ) throws {
        limit = connectionLimit
        self.mailboxes = mailboxes
        self.metrics = metrics
        orders = try Orders()
        loop = try EventLoop()
        try loop.add(orders.waker.descriptor, .read, token: Self.ordersToken)
        for port in ports { try add(port) }
    }

    /// Accepts until it is told to stop.
    func run() {
        while true {
            var ready: [UInt64] = []
            do { try loop.wait(timeout: -1) { ready.append($0.token) } } catch {
                fatalError("epoll_wait failed: \(error)")
            }
            for token in ready {
                if token != Self.ordersToken {
                    accept(input: Int(token))
                } else if !carryOut() {
                    return
                }
            }
        }
    }

    /// - Returns: false at the end.
    private func carryOut() -> Bool {
        for order in orders.takeAll() {
            switch order {
            case .open(let port):
                do { try add(port) } catch { fatalError("epoll_ctl failed: \(error)") }
            case .close(let input):
                guard let port = ports.removeValue(forKey: input) else { continue }
                // The descriptor closes with the last who knows the port; nobody is accepted from now on.
                loop.remove(port.socket.raw)
            case .stop: return false
            }
        }
        return true
    }

    private func add(_ port: Port) throws(Errno) {
        try loop.add(port.socket.raw, .read, token: UInt64(port.input.id))
        ports[port.input.id] = port
    }

    private func accept(input: Int) {
        // It may have been closed in this turn.
        guard let port = ports[input] else { return }
        do {
            while let accepted = try Socket.accept(on: port.socket) {
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

    /// Opens the port of an input.
    ///
    /// - Parameter id: the number that the input gets.
    static func bind(_ input: InputConfiguration, id: Int) throws(Failure) -> Port {
        func failure(_ cause: String) -> Failure { Failure(host: input.host, port: input.port, cause: cause) }
        let addresses: [Socket.Address]
        do { addresses = try Socket.resolve(input.host, port: input.port, passive: true) } catch {
            throw failure("\(error)")
        }
        guard let address = addresses.first else { throw failure("the name has no address") }
        do {
            let socket = try Socket.listen(on: address)
            let bound = try Socket.localAddress(of: socket.raw)
            return Port(OpenInput(id: id, configuration: input, address: bound), socket: socket)
        } catch {
            throw failure("\(error)")
        }
    }
}
