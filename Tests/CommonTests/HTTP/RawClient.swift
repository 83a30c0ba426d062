import Common
import Glibc

/// A TCP client that sends any bytes, for tests of servers.
struct RawClient: ~Copyable {
    private let socket: Descriptor

    init(port: Int) throws { socket = try Self.connect(port) }

    private static func connect(_ port: Int) throws -> Descriptor {
        let socket = try Socket.connect(to: Socket.resolve("127.0.0.1", port: port)[0])
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

    /// What the peer sends until it closes the connection or is silent for `patience`.
    func receive(patience milliseconds: Int32 = 10_000) -> (text: String, isClosed: Bool) {
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
