import Common
import Glibc

/// `test output`: goes to each host step by step, as the service would, and says how far it comes.
///
///     ingest.example.org:5044
///       parse        OK    host ingest.example.org, port 5044
///       resolve      OK    10.0.0.1, 10.0.0.2
///       connect      OK    10.0.0.2:5044; not 10.0.0.1:5044: Connection refused
///       TLS          OK    TLSv1.3; /CN=ingest.example.org, signed by /CN=ca, until 2027-11-27; verification: full
///       protocol     OK    answers an empty window with ack 0
///
/// No event is sent.
struct OutputTest {
    private let settings: LumberjackClient.Settings
    /// How the certificate was checked, in words.
    private let verification: String
    private let steps: StepwiseTest

    /// A receiver answers an empty window at once, or not at all.
    static let silence = Duration.seconds(2)
    /// A server's verdict on our certificate comes with the answer to the last message of the handshake.
    static let verdictTime = Duration.milliseconds(500)

    private typealias Failure = StepwiseTest.Failure

    /// - Parameter say: takes one line without its end.
    init(_ settings: LumberjackClient.Settings, verification: String, say: @escaping (String) -> Void) {
        self.settings = settings
        self.verification = verification
        steps = StepwiseTest(say: say)
    }

    /// - Returns: whether every host passed every step.
    func run() -> Bool {
        steps.run(settings.hosts, title: { $0.text }) { host throws(Failure) in try test(host) }
    }

    private func test(_ host: LumberjackClient.Host) throws(Failure) {
        try steps.step("parse") { () throws(Failure) in ((), "host \(host.name), port \(host.port)") }
        let addresses = try steps.step("resolve") { () throws(Failure) in
            do throws(Socket.ResolutionFailure) {
                let found = try settings.resolve(host)
                return (found, found.map(\.host).joined(separator: ", "))
            } catch {
                throw Failure(reason: "\(error); check its spelling and the resolver")
            }
        }
        let connection = try steps.step("connect") { () throws(Failure) in try connect(addresses) }
        defer { connection.close() }
        if let context = settings.tls {
            try steps.step("TLS") { () throws(Failure) in ((), try handshake(connection, context, host)) }
        }
        try steps.step("protocol") { () throws(Failure) in ((), try exchange(connection)) }
    }
}

// MARK: - Steps

extension OutputTest {
    /// The first address that takes a connection, with what is to be said of those before.
    private func connect(_ addresses: [Socket.Address]) throws(Failure) -> (Connection, String) {
        var failures: [String] = []
        for address in addresses {
            do throws(Errno) {
                let connection = Connection(adopting: try Socket.connect(to: address))
                let deadline = Clock.monotonic + settings.connectTimeout.nanoseconds
                if !isReady(connection, POLLOUT, until: deadline) {
                    failures.append("\(address): no connection within connect_timeout")
                } else if let error = connection.connectionError {
                    failures.append("\(address): \(error)")
                } else {
                    return (connection, failures.reduce("\(address)") { "\($0); not \($1)" })
                }
            } catch {
                failures.append("\(address): \(error)")
            }
        }
        throw Failure(
            reason: failures.joined(separator: ", ")
                + "; is the receiver running, and does a firewall let connections to this port through?"
        )
    }

    private func handshake(
        _ connection: Connection,
        _ context: TLSContext,
        _ host: LumberjackClient.Host
    ) throws(Failure) -> String {
        let deadline = Clock.monotonic + settings.connectTimeout.nanoseconds
        do throws(Connection.Failure) {
            let name = settings.tlsServerName.isEmpty ? host.name : settings.tlsServerName
            try connection.startTLS(context, serverName: name)
            while true {
                switch try connection.handshake() {
                case .moved:
                    try awaitVerdict(connection)
                    return describe(connection)
                case .wantsRead where isReady(connection, POLLIN, until: deadline): continue
                case .wantsWrite where isReady(connection, POLLOUT, until: deadline): continue
                case .wantsRead, .wantsWrite:
                    throw Connection.Failure(description: "no TLS handshake within connect_timeout")
                case .closed: throw Connection.Failure(description: "the peer closed the connection")
                }
            }
        } catch {
            switch error.tls {
            case .certificate, .refusedByPeer, .notTLS, .noCommonProtocol:
                throw Failure(reason: error.description)
            default:
                throw Failure(reason: "\(error); if the receiver has no TLS, set output.tls.enabled: false")
            }
        }
    }

    /// In TLS 1.3 the client is done before the server has judged its certificate; what is written to a server that
    /// refuses it destroys the alert that says why.
    ///
    /// A server that is content sends session tickets, or nothing.
    private func awaitVerdict(_ connection: Connection) throws(Connection.Failure) {
        let deadline = Clock.monotonic + Self.verdictTime.nanoseconds
        guard isReady(connection, POLLIN, until: deadline) else { return }
        var bytes: [UInt8] = []
        switch try read(from: connection, appending: &bytes) {
        case .wantsRead, .wantsWrite: return
        case .moved:
            throw Connection.Failure(description: "it speaks before it is asked, as no receiver does")
        case .closed: throw Connection.Failure(description: "the peer closed the connection")
        }
    }

    private func describe(_ connection: Connection) -> String {
        guard let security = connection.security else { return "" }
        guard let certificate = security.certificate else { return security.version }
        let expiry = certificate.expiry.iso8601.prefix { $0 != "T" }
        return
            "\(security.version); \(certificate.subject), signed by \(certificate.issuer), until \(expiry); "
            + "verification: \(verification)"
    }

    /// Sends a window of no events: all that may be said without sending lines.
    private func exchange(_ connection: Connection) throws(Failure) -> String {
        let answer: [UInt8]
        do throws(Connection.Failure) {
            let deadline = Clock.monotonic + Self.silence.nanoseconds
            try write(LumberjackFrame.emptyWindow, to: connection, until: deadline)
            answer = try read(LumberjackFrame.emptyWindow.count, from: connection, until: deadline)
        } catch {
            let advice =
                settings.tls == nil
                ? "; is it a Lumberjack receiver, and without TLS? With it, set output.tls.enabled: true" : ""
            throw Failure(reason: "\(error)\(advice)")
        }
        switch LumberjackAnswer(answer) {
        case .silence: return "no answer to an empty window, which some receivers do"
        case .acknowledged: return "answers an empty window with ack 0"
        case .wrong(let reason): throw Failure(reason: reason)
        }
    }

    private func write(
        _ bytes: [UInt8],
        to connection: Connection,
        until deadline: Int64
    ) throws(Connection.Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let progress = try rest.withUnsafeBufferPointer { (bytes) throws(Connection.Failure) in
                try connection.write(UnsafeRawBufferPointer(bytes))
            }
            switch progress {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wantsRead where isReady(connection, POLLIN, until: deadline): continue
            case .wantsWrite where isReady(connection, POLLOUT, until: deadline): continue
            case .wantsRead, .wantsWrite: throw Connection.Failure(description: "it takes no bytes")
            case .closed: throw Connection.Failure(description: "the peer closed the connection")
            }
        }
    }

    /// - Returns: up to `count` bytes; fewer when no more come in time.
    private func read(
        _ count: Int,
        from connection: Connection,
        until deadline: Int64
    ) throws(Connection.Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch try read(from: connection, appending: &bytes) {
            case .moved: continue
            case .wantsRead where isReady(connection, POLLIN, until: deadline): continue
            case .wantsWrite where isReady(connection, POLLOUT, until: deadline): continue
            case .wantsRead, .wantsWrite: return bytes
            case .closed where bytes.isEmpty:
                throw Connection.Failure(description: "the peer closed the connection on an empty window")
            case .closed: return bytes
            }
        }
        return bytes
    }

    private func read(
        from connection: Connection,
        appending bytes: inout [UInt8]
    ) throws(Connection.Failure) -> Connection.Progress {
        var buffer = [UInt8](repeating: 0, count: 256)
        let progress = try buffer.withUnsafeMutableBufferPointer { (free) throws(Connection.Failure) in
            try connection.read(into: UnsafeMutableRawBufferPointer(free))
        }
        if case .moved(let count) = progress { bytes += buffer.prefix(count) }
        return progress
    }

    /// Waits until the socket is ready; false when it is not in time.
    private func isReady(_ connection: Connection, _ events: Int32, until deadline: Int64) -> Bool {
        let left = max(deadline - Clock.monotonic, 0)
        var poll = pollfd(fd: connection.raw, events: Int16(events), revents: 0)
        return Glibc.poll(&poll, 1, Duration.nanoseconds(left).milliseconds) > 0
    }
}
