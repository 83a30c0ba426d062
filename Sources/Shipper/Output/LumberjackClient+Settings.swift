import Common

extension LumberjackClient {
    struct Host: Equatable, Sendable {
        let name: String
        let port: Int
        var text: String { name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)" }
    }

    struct Settings: Sendable {
        var hosts: [Host]
        /// Connects to all hosts at once and gives each window to one with room; else one host at a time.
        var loadBalance = false
        /// Connections to each host, when they share the load.
        var workers = 1
        /// Windows sent on one connection and not acknowledged.
        var pipelining = 2
        /// Most events in a window, while nothing fails.
        var maxWindowEvents = 2048
        /// Begins with small windows.
        var slowStart = false
        /// Without a byte moved in either direction while acks are due.
        var timeout = Duration.seconds(30)
        var connectTimeout = Duration.seconds(10)
        /// A connection older than this is replaced by another; zero for never.
        var ttl = Duration.zero
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60))
        var tls: TLSContext?
        /// Empty: the host's name.
        var tlsServerName = ""
        /// How long an ack may lie unread while another window may be sent anyway: a trickle of lines then
        /// needs no wake-up of its own for each ack.
        var ackDelay = Duration.milliseconds(100)
        /// Asks for the addresses of a host, which may block; anew for each connection.
        var resolve: @Sendable (Host) throws(Socket.ResolutionFailure) -> [Socket.Address] = {
            host throws(Socket.ResolutionFailure) in try Socket.resolve(host.name, port: host.port)
        }

        /// Connections in all.
        var connections: Int { loadBalance ? hosts.count * workers : 1 }
    }
}
