import Common
import Glibc

/// A client that sends any bytes, over TCP, a Unix socket or TLS, for tests of servers.
struct RawClient: ~Copyable {
    private let socket: Descriptor

    init(port: Int) throws { socket = try Self.connect(Socket.resolve("127.0.0.1", port: port)[0]) }

    init(_ address: Socket.Address) throws { socket = try Self.connect(address) }

    /// The socket, for what it lives.
    var raw: Int32 { socket.raw }

    private static func connect(_ address: Socket.Address) throws -> Descriptor {
        let socket = try Socket.connect(to: address)
        var descriptor = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        _ = poll(&descriptor, 1, 5000)
        if let error = Socket.connectionError(of: socket) { throw error }
        return socket
    }

    /// Sends all of `bytes`; false when the peer closed the connection before.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            var descriptor = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
            guard poll(&descriptor, 1, 5000) == 1 else { return false }
            let sent = rest.withUnsafeBytes {
                Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EAGAIN { continue }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// One chunk of a body.
    @discardableResult
    func sendChunk(_ text: String) -> Bool { send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }

    /// Ends this direction of the connection.
    func endSending() { shutdown(socket.raw, Int32(SHUT_WR)) }

    /// Has the connection reset when this goes.
    func resetAtEnd() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// What the peer sends until it closes the connection, is silent for `patience`, or has sent `end`.
    func receive(patience milliseconds: Int32 = 10_000, until end: String? = nil) -> (
        text: String, isClosed: Bool
    ) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            var descriptor = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, milliseconds) == 1 else {
                return (String(decoding: bytes, as: UTF8.self), false)
            }
            let count = read(socket.raw, &chunk, chunk.count)
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), true) }
            bytes += chunk.prefix(count)
            guard let end else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            if text.contains(end) { return (text, false) }
        }
    }

    /// One request on a connection of its own, and the whole answer.
    static func exchange(_ request: String, port: Int) throws -> String {
        let client = try RawClient(port: port)
        client.send(request)
        return client.receive().text
    }

    static func get(_ path: String, method: String = "GET", port: Int) throws -> String {
        try exchange("\(method) \(path) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", port: port)
    }

    static func status(of answer: String) -> Int? {
        let words = answer.prefix { $0 != "\r\n" }.split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    static func body(of answer: String) -> String {
        guard let end = answer.firstRange(of: "\r\n\r\n") else { return "" }
        return String(answer[end.upperBound...])
    }
}

/// A `RawClient` that speaks TLS.
final class SecureClient {
    private let client: RawClient
    private var tls: TLSConnection

    /// Connects and shakes hands.
    init(port: Int, authority: String, identity: TLSIdentity? = nil) throws {
        let client = try RawClient(port: port)
        var settings = TLSClientSettings()
        settings.certificateAuthorities = [authority]
        settings.identity = identity
        tls = try TLSConnection(
            client: TLSContext(client: settings),
            socket: client.raw,
            serverName: "localhost"
        )
        self.client = client
        while try wait(for: tls.handshake()) {}
    }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let progress = try rest.withUnsafeBytes { try tls.write($0) }
            if case .done(let count) = progress {
                rest = rest.dropFirst(count)
            } else {
                _ = wait(for: progress)
            }
        }
    }

    func sendChunk(_ text: String) throws {
        try send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }

    /// What the peer sends until its orderly end, or `end`.
    func receive(until end: String? = nil) throws -> (text: String, isClosed: Bool) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let progress = try chunk.withUnsafeMutableBytes { try tls.read(into: $0) }
            switch progress {
            case .done(let count): bytes += chunk.prefix(count)
            case .closed: return (String(decoding: bytes, as: UTF8.self), true)
            case .wantsRead, .wantsWrite: if !wait(for: progress) { throw TLSError.connectionLost }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let end, text.contains(end) { return (text, false) }
        }
    }

    /// - Returns: whether the call must be repeated.
    private func wait(for progress: TLSConnection.Progress) -> Bool {
        var descriptor = pollfd(fd: client.raw, events: 0, revents: 0)
        switch progress {
        case .done, .closed: return false
        case .wantsRead: descriptor.events = Int16(POLLIN)
        case .wantsWrite: descriptor.events = Int16(POLLOUT)
        }
        return poll(&descriptor, 1, 10_000) == 1
    }
}
