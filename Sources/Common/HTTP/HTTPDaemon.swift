import CMicroHTTPD
import Glibc

/// A libmicrohttpd daemon that runs on a thread of ours; alone in naming that library.
///
/// It parses requests and writes answers. Accepting, time-outs and whatever it has no idea of are `HTTPServerLoop`'s.
struct HTTPDaemon: @unchecked Sendable {
    // Sendable is true because the pointer moves to the server's thread and is used there only.
    private let pointer: OpaquePointer

    /// Makes a daemon that calls `loop` back.
    ///
    /// - Returns: nil when libmicrohttpd has no memory or GnuTLS refuses the certificate.
    init?(_ settings: HTTPServer.Settings, _ certificates: HTTPCertificates?, for loop: HTTPServerLoop) {
        let context = Unmanaged.passUnretained(loop).toOpaque()
        let start = {
            (key: UnsafePointer<CChar>?, certificate: UnsafePointer<CChar>?, trust: UnsafePointer<CChar>?) in
            var values = http_daemon_settings(
                // The limit is the ledger's, for all threads together.
                connections: UInt32(Int32.max),
                connection_memory: settings.maxHeaderBytes,
                key: key,
                certificate: certificate,
                trust: trust
            )
            return Self.start(&values, context)
        }
        let pointer =
            if let certificates {
                certificates.key.withCString { key in
                    certificates.certificate.withCString { certificate in
                        guard let trust = certificates.trust else { return start(key, certificate, nil) }
                        return trust.withCString { start(key, certificate, $0) }
                    }
                }
            } else {
                start(nil, nil, nil)
            }
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    private static func start(
        _ settings: UnsafePointer<http_daemon_settings>,
        _ context: UnsafeMutableRawPointer
    ) -> OpaquePointer? {
        http_daemon_start(
            settings,
            { context, connection, url, method, version, data, size, state in
                guard let context, let connection, let url, let method, let version, let size, let state
                else {
                    return .NO
                }
                guard let pointer = state.pointee else {
                    let exchange = HTTPServerLoop.from(context).begin(
                        HTTPDaemonConnection(pointer: connection),
                        method: String(cString: method),
                        target: String(cString: url),
                        version: String(cString: version)
                    )
                    guard let exchange else { return .NO }
                    state.pointee = Unmanaged.passRetained(exchange).toOpaque()
                    return .YES
                }
                let exchange = Unmanaged<HTTPServerExchange>.fromOpaque(pointer).takeUnretainedValue()
                switch exchange.take(UnsafeRawBufferPointer(start: data, count: size.pointee)) {
                case .taken: size.pointee = 0
                case .left: break
                case .broken: return .NO
                }
                return .YES
            },
            { _, _, state, _ in
                guard let state, let pointer = state.pointee else { return }
                state.pointee = nil
                Unmanaged<HTTPServerExchange>.fromOpaque(pointer).takeRetainedValue().ended()
            },
            { context, connection, state, code in
                guard let context, let connection, let state else { return }
                let loop = HTTPServerLoop.from(context)
                if code == .CONNECTION_NOTIFY_STARTED {
                    let opened = loop.opened(HTTPDaemonConnection(pointer: connection))
                    state.pointee = opened.map { Unmanaged.passRetained($0).toOpaque() }
                } else if let pointer = state.pointee {
                    state.pointee = nil
                    loop.closed(Unmanaged<HTTPServerConnection>.fromOpaque(pointer).takeRetainedValue())
                }
            },
            { context, _, connection in
                guard let context, let connection else { return nil }
                let loop = HTTPServerLoop.from(context)
                HTTPDaemonConnection(pointer: connection).owner.map { loop.startedRequest($0) }
                return nil
            },
            // Escapes are decoded in Swift: here `%00` would cut a path short.
            { _, _, text in text.map { strlen($0) } ?? 0 },
            context
        )
    }

    /// Readable when there is something to do.
    var epoll: Int32 { http_daemon_epoll(pointer) }

    /// Whether `run` has something to do without anything happening.
    var isPending: Bool {
        var milliseconds: CUnsignedLongLong = 0
        return MHD_get_timeout(pointer, &milliseconds) == .YES
    }

    /// Reads, calls back and writes what can be without waiting.
    func run() { _ = MHD_run(pointer) }

    /// Takes over a connection; closes it on failure.
    func add(_ socket: Int32, _ peer: Socket.Address) -> Bool {
        peer.with { MHD_add_connection(pointer, socket, $0, $1) } == .YES
    }

    /// Closes all connections, none of which may be suspended.
    func stop() { MHD_stop_daemon(pointer) }

    /// The reason phrase of a status.
    static func phrase(_ status: Int) -> String { String(cString: MHD_get_reason_phrase_for(UInt32(status))) }
}

/// One of the daemon's connections.
struct HTTPDaemonConnection {
    fileprivate let pointer: OpaquePointer

    var socket: Int32 { http_connection_socket(pointer) }

    /// The gnutls_session_t; nil without TLS.
    private var session: UnsafeMutableRawPointer? { http_connection_session(pointer) }

    /// What `HTTPServerLoop.opened` made.
    var owner: HTTPServerConnection? {
        http_connection_context(pointer).map {
            Unmanaged<HTTPServerConnection>.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// Has nothing read or written until `resume`.
    func suspend() { MHD_suspend_connection(pointer) }

    /// Takes effect in the next `HTTPDaemon.run`.
    func resume() { MHD_resume_connection(pointer) }

    /// Judges the client's certificate in the handshake, which is to come.
    func expectCertificate(_ authentication: TLSClientAuthentication) {
        guard authentication != .none, let session else { return }
        http_tls_expect_client(session, authentication == .required ? 1 : 0)
    }

    /// Sends by TLS past the daemon, which must be suspended.
    ///
    /// - Returns: nil without TLS; else how many bytes went, -1 for "again with the same bytes", -2 when the
    ///   connection is broken.
    func sendSecurely(_ bytes: UnsafeRawBufferPointer) -> Int? {
        session.map { http_tls_send($0, bytes.baseAddress, bytes.count) }
    }

    /// Tells the client by TLS that no more will come; nothing without TLS.
    ///
    /// - Returns: false for "again".
    func endSecurely() -> Bool { session.map { http_tls_bye($0) == 0 } ?? true }

    var headers: [HTTPRequest.Field] { fields(.HEADER_KIND) }

    /// The parameters of the query, decoded.
    var query: [HTTPRequest.Field] {
        let fields = fields(.GET_ARGUMENT_KIND)
        guard !fields.isEmpty else { return fields }
        return fields.map {
            HTTPRequest.Field(PercentEncoding.decoded($0.name), PercentEncoding.decoded($0.value))
        }
    }

    private func fields(_ kind: MHD_ValueKind) -> [HTTPRequest.Field] {
        var fields: [HTTPRequest.Field] = []
        _ = withUnsafeMutablePointer(to: &fields) { list in
            MHD_get_connection_values_n(
                pointer,
                kind,
                { context, _, name, nameCount, value, valueCount in
                    guard let context else { return .NO }
                    let list = context.assumingMemoryBound(to: [HTTPRequest.Field].self)
                    let name = String(
                        decoding: UnsafeRawBufferPointer(start: name, count: nameCount),
                        as: UTF8.self
                    )
                    let value = String(
                        decoding: UnsafeRawBufferPointer(start: value, count: valueCount),
                        as: UTF8.self
                    )
                    list.pointee.append(.init(name, value))
                    return .YES
                },
                list
            )
        }
        return fields
    }

    /// Answers a request whose body has been read.
    func queue(_ answer: HTTPResponse) -> Bool {
        let response = answer.body.withUnsafeBytes {
            MHD_create_response_from_buffer(
                $0.count,
                UnsafeMutableRawPointer(mutating: $0.baseAddress),
                .RESPMEM_MUST_COPY
            )
        }
        guard let response else {
            Log.limited(.error, key: "http-response", "no memory for an HTTP response")
            return false
        }
        defer { MHD_destroy_response(response) }
        for header in answer.headers { add(header.name, header.value, to: response) }
        if answer.closesConnection { add("Connection", "Close", to: response) }
        add("X-Content-Type-Options", "nosniff", to: response)
        return MHD_queue_response(pointer, UInt32(answer.status), response) == .YES
    }

    private func add(_ name: String, _ value: String, to response: OpaquePointer) {
        guard MHD_add_response_header(response, name, value) != .YES else { return }
        Log.limited(.error, key: "http-header", "left out an HTTP header", ["header": name])
    }
}
