import Common
import Glibc

/// A connection with blocking reads and writes: a thread of a sink or generator owns each.
final class Stream {
    private let socket: Descriptor

    init(_ socket: consuming Descriptor) {
        self.socket = socket
        Self.block(self.socket.raw)
    }

    /// A connection to a port of this machine.
    init(connectingTo port: Int) throws {
        guard let address = try Socket.resolve("127.0.0.1", port: port).first else {
            throw BenchError("127.0.0.1 has no address")
        }
        socket = try Socket.connect(to: address)
        var poll = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        _ = Glibc.poll(&poll, 1, -1)
        if let error = Socket.connectionError(of: socket) {
            throw BenchError("cannot connect to 127.0.0.1:\(port): \(error)")
        }
        Self.block(socket.raw)
    }

    /// Appends what has arrived, waiting for at least one byte.
    ///
    /// - Returns: how many bytes; 0 at the end of the connection.
    func read(into buffer: inout ByteBuffer, atMost limit: Int = 1 << 18) throws(Errno) -> Int {
        let before = buffer.count
        let raw = socket.raw
        try buffer.append(reserving: limit) { room throws(Errno) in
            try Errno.check { recv(raw, room.baseAddress, min(limit, room.count), 0) }
        }
        return buffer.count - before
    }

    /// Sends all of `buffer`.
    func write(_ buffer: borrowing ByteBuffer) throws(Errno) {
        var sent = 0
        while sent < buffer.count { sent += try write(buffer, from: sent) }
    }

    private func write(_ buffer: borrowing ByteBuffer, from start: Int) throws(Errno) -> Int {
        try buffer.withUnsafeBytes { bytes throws(Errno) in
            try Socket.send(UnsafeRawBufferPointer(rebasing: bytes[start...]), on: socket)
        }
    }

    private static func block(_ socket: Int32) {
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL, 0) & ~O_NONBLOCK)
    }
}
