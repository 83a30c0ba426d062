/// A client's connection, while the daemon has it.
final class HTTPServerConnection {
    let daemon: HTTPDaemonConnection
    let socket: Int32
    /// Names the connection, whatever its socket was used for before.
    let token: UInt64
    let peer: String
    let peerPort: Int
    /// When it is cut, in monotonic nanoseconds.
    var deadline: Int64
    /// The request that is being read or answered; nil between two.
    var exchange: HTTPServerExchange?
    /// Whether it was cut by us: what the client still sends is not waited for.
    var isCut = false
    /// Whether the client has said that it sends no more.
    var isHalfClosed = false
    /// What is left of the time to read the request, while that time stands still.
    private var remaining: Int64?

    init(_ daemon: HTTPDaemonConnection, token: UInt64, peer: Socket.Address, deadline: Int64) {
        self.daemon = daemon
        self.token = token
        socket = daemon.socket
        self.peer = Self.name(of: peer)
        peerPort = peer.port
        self.deadline = deadline
    }

    /// The address without the port; empty for a Unix socket.
    static func name(of peer: Socket.Address) -> String { peer.unixPath == nil ? peer.host : "" }

    /// Stops the clock: it is we who let the client wait.
    func stopClock(now: Int64) {
        guard remaining == nil else { return }
        remaining = deadline - now
        deadline = .max
    }

    /// Lets the clock go on, with a second at least.
    func startClock(now: Int64) {
        guard let left = remaining else { return }
        remaining = nil
        deadline = now + max(left, 1_000_000_000)
    }
}
