import Glibc

/// One GET without TLS, for a command that asks a service on this machine.
///
/// Blocks, for `timeout` at most. Not for event loops, and not for strangers: `HTTPClient` is.
package enum HTTPGet {
    /// Why there is no answer.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        /// Whether nothing listens there.
        package let isRefused: Bool

        fileprivate init(_ description: String, isRefused: Bool = false) {
            self.description = description
            self.isRefused = isRefused
        }
    }

    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    /// - Parameters:
    ///   - host: a name, an address, or `unix:/path`.
    ///   - limit: a longer answer is refused.
    package static func ask(
        host: String,
        port: Int,
        path: String,
        timeout: Duration = .seconds(5),
        limit: Int = 16 << 20
    ) throws(Failure) -> Answer {
        let deadline = Clock.monotonic + timeout.nanoseconds
        let socket = try connect(try addresses(host, port), until: deadline)
        // Version 1.0: the answer ends with the connection and comes in one piece.
        let request = Array("GET \(path) HTTP/1.0\r\nHost: \(host)\r\n\r\n".utf8)
        try request.span.bytes.withUnsafeBytes { bytes throws(Failure) in
            try send(bytes, socket, until: deadline)
        }
        return try parse(try readAll(socket, limit: limit, until: deadline))
    }

    private static func addresses(_ host: String, _ port: Int) throws(Failure) -> [Socket.Address] {
        if host.hasPrefix("unix:") {
            guard let address = Socket.Address(unixPath: String(host.dropFirst(5))) else {
                throw Failure("\(host): not a path of a socket")
            }
            return [address]
        }
        do {
            return try Socket.resolve(host, port: port)
        } catch {
            throw Failure("\(error)")
        }
    }

    private static func connect(_ addresses: [Socket.Address], until deadline: Int64) throws(Failure)
        -> Descriptor
    {
        var failure = Failure("the name has no address")
        for address in addresses {
            do throws(Errno) {
                let socket = try Socket.connect(to: address)
                try wait(socket, POLLOUT, until: deadline)
                if let error = Socket.connectionError(of: socket) { throw error }
                return socket
            } catch {
                failure = Failure(
                    "\(address): \(error)",
                    isRefused: error.code == ECONNREFUSED || error.code == ENOENT
                )
            }
        }
        throw failure
    }

    private static func send(
        _ bytes: UnsafeRawBufferPointer,
        _ socket: borrowing Descriptor,
        until deadline: Int64
    ) throws(Failure) {
        var rest = bytes
        do throws(Errno) {
            while !rest.isEmpty {
                try wait(socket, POLLOUT, until: deadline)
                do throws(Errno) {
                    let count = try Socket.send(rest, on: socket)
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } catch .wouldBlock {
                    continue
                }
            }
        } catch {
            throw Failure("the question cannot be sent: \(error)")
        }
    }

    private static func readAll(_ socket: borrowing Descriptor, limit: Int, until deadline: Int64)
        throws(Failure) -> [UInt8]
    {
        var answer = ByteBuffer(capacity: 16 << 10)
        do throws(Errno) {
            while answer.count <= limit {
                try wait(socket, POLLIN, until: deadline)
                let before = answer.count
                do throws(Errno) {
                    try answer.append(reserving: 16 << 10) { free throws(Errno) in
                        try socket.read(into: free)
                    }
                } catch .wouldBlock {
                    continue
                }
                if answer.count == before { return answer.array }
            }
        } catch {
            throw Failure("no answer: \(error)")
        }
        throw Failure("the answer is longer than \(limit) bytes")
    }

    /// Waits until the socket is ready; throws `ETIMEDOUT` at the deadline.
    private static func wait(_ socket: borrowing Descriptor, _ events: Int32, until deadline: Int64)
        throws(Errno)
    {
        var poll = pollfd(fd: socket.raw, events: Int16(events), revents: 0)
        let rest = max(deadline - Clock.monotonic, 0)
        let count = try Errno.check { Glibc.poll(&poll, 1, Duration.nanoseconds(rest).milliseconds) }
        if count == 0 { throw Errno(ETIMEDOUT) }
    }

    static func parse(_ bytes: [UInt8]) throws(Failure) -> Answer {
        let text = String(decoding: bytes.prefix(32 << 10), as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure("what answers there does not speak HTTP")
        }
        let separator = Array("\r\n\r\n".utf8)
        guard
            let end = bytes.indices.dropLast(3).first(where: {
                bytes[$0..<$0 + 4].elementsEqual(separator)
            })
        else { throw Failure("the answer ends within its head") }
        let body = Array(bytes[(end + 4)...])
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
            let digits = parts[1].drop { $0 == " " }
            guard Int(digits) == body.count else { throw Failure("the answer ends early") }
        }
        return Answer(status: status, body: body)
    }
}
