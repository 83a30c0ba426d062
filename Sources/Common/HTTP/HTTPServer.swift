import CMicroHTTPD
import Glibc

/// An HTTP/1.1 server on one thread; alone in naming libmicrohttpd.
///
/// Connections, headers, bodies and the time of a request are bounded, so that a hostile client costs a known
/// amount of memory and loses its connection in the end.
package final class HTTPServer: Sendable {
    package struct Settings: Sendable {
        package var host: String
        /// 0 lets the system choose; `address` tells.
        package var port: Int
        package var threadName = "http"
        /// Further ones wait in the kernel.
        package var maxConnections = 64
        /// 0 for no limit of its own.
        package var maxConnectionsPerAddress = 0
        /// Memory of one connection for request line and headers; more is answered 431.
        package var maxHeaderBytes = 32 * 1024
        /// A larger body is answered 413.
        package var maxBodyBytes = 64 * 1024
        /// A connection on which nothing moves for so long is closed; whole seconds.
        package var idleTimeout = Duration.seconds(10)
        /// From the end of one request to the end of the next: bounds clients that send a byte now and then.
        package var requestTimeout = Duration.seconds(30)

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Why there is no server.
    package enum Failure: Error, CustomStringConvertible {
        case resolution(Socket.ResolutionFailure)
        case listen(address: String, cause: Errno)
        case start(cause: Errno)

        package var description: String {
            switch self {
            case .resolution(let failure): "cannot listen: \(failure)"
            case .listen(let address, let cause): "cannot listen on \(address): \(cause)"
            case .start(let cause): "cannot start the HTTP server: \(cause)"
            }
        }
    }

    /// Where the server listens, with the port that the system chose.
    package let address: Socket.Address
    private let waker: Waker
    private let thread: Thread

    /// Starts to listen and to answer.
    package init(_ settings: Settings, router: HTTPRouter) throws(Failure) {
        let listener = try Self.listen(settings)
        do throws(Errno) {
            address = try Socket.localAddress(of: listener.raw)
            waker = try Waker()
            // libmicrohttpd closes the socket that it is given.
            let socket = try Errno.check { fcntl(listener.raw, F_DUPFD_CLOEXEC, 0) }
            let exchange = HTTPServerLoop(settings, router: router)
            let daemon = try exchange.start(listening: socket)
            let waker = waker
            do throws(Errno) {
                thread = try Thread(settings.threadName) { exchange.run(daemon, until: waker) }
            } catch {
                daemon.stop()
                throw error
            }
        } catch {
            throw .start(cause: error)
        }
    }

    deinit { stop() }

    /// Closes all connections and the port; answers when that is done.
    package func stop() {
        waker.wake()
        thread.join()
    }

    private static func listen(_ settings: Settings) throws(Failure) -> Descriptor {
        let addresses: [Socket.Address]
        do {
            addresses = try Socket.resolve(settings.host, port: settings.port, passive: true)
        } catch {
            throw .resolution(error)
        }
        var failure = Failure.start(cause: .notFound)
        for address in addresses {
            do throws(Errno) {
                return try Socket.listen(on: address)
            } catch {
                failure = .listen(address: address.description, cause: error)
                // A name may stand for IPv6 and IPv4 on a machine that has only one of them.
                guard [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) else { break }
            }
        }
        throw failure
    }
}

/// A running libmicrohttpd daemon.
private struct HTTPDaemon: @unchecked Sendable {
    // Sendable is true because the pointer moves to the server's thread and is used there only.
    let pointer: OpaquePointer

    func stop() { MHD_stop_daemon(pointer) }
}

/// What libmicrohttpd calls back into.
private final class HTTPServerLoop: @unchecked Sendable {
    // Sendable is true because after `start` only the server's thread touches it.

    /// One request while it arrives.
    private final class Arrival {
        let method: String
        let path: String
        var fields: [HTTPRequest.Field] = []
        var body: [UInt8] = []
        var excessBytes = 0

        init(method: String, path: String) {
            self.method = method
            self.path = path
        }
    }

    private struct Connection {
        let peer: String
        /// When its current request has to be answered completely, in monotonic nanoseconds.
        var deadline: Int64
    }

    /// What is read and dropped of a body that turned out too large, before the connection is cut.
    private static let maxDroppedBytes = 1 << 20

    private let settings: HTTPServer.Settings
    private let router: HTTPRouter
    /// By socket.
    private var connections: [Int32: Connection] = [:]

    init(_ settings: HTTPServer.Settings, router: HTTPRouter) {
        self.settings = settings
        self.router = router
    }

    /// Starts the daemon, which takes over `socket`.
    func start(listening socket: Int32) throws(Errno) -> HTTPDaemon {
        var values = http_daemon_settings(
            listen_socket: socket,
            connections: UInt32(settings.maxConnections),
            connections_per_address: UInt32(settings.maxConnectionsPerAddress),
            idle_seconds: UInt32(max(1, settings.idleTimeout.nanoseconds / 1_000_000_000)),
            connection_memory: settings.maxHeaderBytes
        )
        let daemon = http_daemon_start(
            &values,
            { context, connection, url, method, _, data, size, state in
                guard let context, let connection, let url, let method, let size, let state else {
                    return .NO
                }
                let exchange = HTTPServerLoop.from(context)
                guard let pointer = state.pointee else {
                    let arrival = Arrival(method: String(cString: method), path: String(cString: url))
                    state.pointee = Unmanaged.passRetained(arrival).toOpaque()
                    return exchange.begin(arrival, on: connection)
                }
                let arrival = Unmanaged<Arrival>.fromOpaque(pointer).takeUnretainedValue()
                guard size.pointee > 0 else { return exchange.answer(arrival, on: connection) }
                defer { size.pointee = 0 }
                return exchange.take(UnsafeRawBufferPointer(start: data, count: size.pointee), for: arrival)
            },
            { context, connection, state, _ in
                guard let context, let connection, let state else { return }
                if let pointer = state.pointee { Unmanaged<Arrival>.fromOpaque(pointer).release() }
                state.pointee = nil
                HTTPServerLoop.from(context).extendDeadline(of: http_connection_socket(connection))
            },
            { context, connection, _, code in
                guard let context, let connection else { return }
                let exchange = HTTPServerLoop.from(context)
                let socket = http_connection_socket(connection)
                if code == .CONNECTION_NOTIFY_STARTED {
                    exchange.opened(socket)
                } else {
                    exchange.connections[socket] = nil
                }
            },
            // Escapes are decoded in Swift: here `%00` would cut a path short.
            { _, _, text in text.map { strlen($0) } ?? 0 },
            Unmanaged.passUnretained(self).toOpaque()
        )
        guard let daemon else {
            let cause = Errno.current
            close(socket)
            throw cause
        }
        return HTTPDaemon(pointer: daemon)
    }

    private static func from(_ context: UnsafeMutableRawPointer) -> HTTPServerLoop {
        Unmanaged<HTTPServerLoop>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: - The thread

    func run(_ daemon: HTTPDaemon, until waker: Waker) {
        let epoll = http_daemon_epoll(daemon.pointer)
        while true {
            var descriptors = [
                pollfd(fd: epoll, events: Int16(POLLIN), revents: 0),
                pollfd(fd: waker.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&descriptors, 2, patience(of: daemon))
            if descriptors[1].revents != 0 { break }
            let count = connections.count
            _ = MHD_run(daemon.pointer)
            // At its limit of connections libmicrohttpd stops to watch the listening socket. It takes that up
            // again in the run after the one that closed a connection, and nothing else would cause that run.
            if connections.count < count { _ = MHD_run(daemon.pointer) }
            closeOverdue(now: Clock.monotonic)
        }
        daemon.stop()
    }

    /// Milliseconds until something is due without anything happening; -1 for never.
    private func patience(of daemon: HTTPDaemon) -> Int32 {
        var own: CUnsignedLongLong = 0
        let due = MHD_get_timeout(daemon.pointer, &own) == .YES ? Int32(clamping: own) : -1
        // Deadlines are looked at once a second while there are connections.
        if connections.isEmpty { return due }
        return due < 0 ? 1000 : min(due, 1000)
    }

    private func closeOverdue(now: Int64) {
        for (socket, connection) in connections where connection.deadline < now {
            // libmicrohttpd sees the end of the stream and cleans up.
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    private func opened(_ socket: Int32) {
        let peer: String
        do { peer = try Socket.peerAddress(of: socket).host } catch { peer = "?" }
        connections[socket] = Connection(peer: peer, deadline: nextDeadline)
    }

    private func extendDeadline(of socket: Int32) { connections[socket]?.deadline = nextDeadline }

    private var nextDeadline: Int64 { Clock.monotonic + settings.requestTimeout.nanoseconds }

    // MARK: - One request

    private func begin(_ arrival: Arrival, on connection: OpaquePointer) -> MHD_Result {
        arrival.fields = fields(.HEADER_KIND, of: connection)
        let length = arrival.fields.first { $0.name.lowercased() == "content-length" }?.value
        // Refused before the client sends it.
        if let length, Int(length) ?? Int.max > settings.maxBodyBytes {
            return queue(tooLarge, on: connection)
        }
        return .YES
    }

    private var tooLarge: HTTPResponse {
        .error(status: 413, "the body has more than \(settings.maxBodyBytes) bytes")
    }

    private func take(_ bytes: UnsafeRawBufferPointer, for arrival: Arrival) -> MHD_Result {
        if arrival.excessBytes == 0, arrival.body.count + bytes.count <= settings.maxBodyBytes {
            arrival.body += bytes
            return .YES
        }
        // libmicrohttpd cannot answer in the middle of a body. A little more is read and dropped, for the
        // answer to arrive; who sends on and on is cut off.
        arrival.body = []
        arrival.excessBytes += bytes.count
        return arrival.excessBytes <= Self.maxDroppedBytes ? .YES : .NO
    }

    private func answer(_ arrival: Arrival, on connection: OpaquePointer) -> MHD_Result {
        guard arrival.excessBytes == 0 else { return queue(tooLarge, on: connection) }
        let query = fields(.GET_ARGUMENT_KIND, of: connection).map { field in
            HTTPRequest.Field(PercentEncoding.decoded(field.name), PercentEncoding.decoded(field.value))
        }
        let request = HTTPRequest(
            method: arrival.method,
            path: PercentEncoding.decoded(arrival.path),
            query: query,
            headers: arrival.fields,
            peer: connections[http_connection_socket(connection)]?.peer ?? "?",
            body: arrival.body
        )
        return queue(router.respond(to: request), on: connection)
    }

    private func fields(_ kind: MHD_ValueKind, of connection: OpaquePointer) -> [HTTPRequest.Field] {
        var fields: [HTTPRequest.Field] = []
        _ = withUnsafeMutablePointer(to: &fields) { list in
            MHD_get_connection_values(
                connection,
                kind,
                { context, _, name, value in
                    guard let context, let name else { return .NO }
                    let list = context.assumingMemoryBound(to: [HTTPRequest.Field].self)
                    list.pointee.append(.init(String(cString: name), value.map { String(cString: $0) } ?? ""))
                    return .YES
                },
                list
            )
        }
        return fields
    }

    private func queue(_ answer: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        var body = answer.body
        guard let response = MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY) else {
            Log.limited(.error, key: "http-response", "no memory for an HTTP response")
            return .NO
        }
        defer { MHD_destroy_response(response) }
        for header in answer.headers + [.init("X-Content-Type-Options", "nosniff")]
        where MHD_add_response_header(response, header.name, header.value) != .YES {
            Log.limited(.error, key: "http-header", "left out an HTTP header", ["header": header.name])
        }
        return MHD_queue_response(connection, UInt32(answer.status), response)
    }
}
