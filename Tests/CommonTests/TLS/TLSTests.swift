import CLinux
import Common
import Glibc
import Testing

@Suite("TLS on a non-blocking socket")
struct TLSTests {
    /// How one handshake is to go.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var server = "server"
        var serverName = "localhost"
        var mode = TLSVerificationMode.full
        var authority: String? = "ca"
        /// The certificate whose hash is trusted.
        var fingerprint: String?
        var clientAuthentication = TLSClientAuthentication.none
        var client: String?
        /// What the client and the server end with; nil is success.
        var clientError: TLSError?
        var serverError: TLSError?

        var testDescription: String { name }
    }

    static let unknownAuthority = TLSError.certificate(.unknownAuthority)
    static let toldUnknown = TLSError.refusedByPeer("tlsv1 alert unknown ca")
    static let toldBad = TLSError.refusedByPeer("sslv3 alert bad certificate")

    /// A certificate's hash, as the openssl command prints it.
    static func hash(_ name: String) -> CertificateFingerprint {
        guard let files = try? TestCertificates.shared.get(), let text = try? files.fingerprint(name),
            let hash = CertificateFingerprint(text)
        else { fatalError("the openssl command gives no fingerprint of \(name)") }
        return hash
    }

    static let cases: [Case] = [
        Case(name: "a good certificate"),
        Case(name: "an IPv4 address", serverName: "127.0.0.1"),
        Case(name: "an IPv6 address", serverName: "::1"),
        Case(name: "a wildcard", server: "wildcard", serverName: "log.example.com"),
        Case(
            name: "a wildcard two levels down",
            server: "wildcard",
            serverName: "a.log.example.com",
            clientError: .certificate(.wrongName(expected: "a.log.example.com")),
            serverError: toldBad
        ),
        Case(
            name: "an authority the client does not know",
            server: "foreign",
            clientError: unknownAuthority,
            serverError: toldUnknown
        ),
        Case(
            name: "a wrong name",
            server: "wrong-name",
            clientError: .certificate(.wrongName(expected: "localhost")),
            serverError: toldBad
        ),
        Case(
            name: "a wrong address",
            serverName: "127.0.0.2",
            clientError: .certificate(.wrongName(expected: "127.0.0.2")),
            serverError: toldBad
        ),
        Case(
            name: "an expired certificate",
            server: "expired",
            clientError: .certificate(.expired),
            serverError: .refusedByPeer("sslv3 alert certificate expired")
        ),
        Case(name: "a wrong name in mode certificate", server: "wrong-name", mode: .certificate),
        Case(
            name: "an unknown authority in mode certificate",
            server: "foreign",
            mode: .certificate,
            clientError: unknownAuthority,
            serverError: toldUnknown
        ),
        Case(
            name: "anything in mode none",
            server: "expired",
            serverName: "x",
            mode: .none,
            authority: "other-ca"
        ),
        Case(
            name: "the fingerprint of the server itself",
            authority: nil,
            fingerprint: "server"
        ),
        Case(
            name: "the fingerprint of the authority, which the server shows",
            server: "chained",
            authority: nil,
            fingerprint: "ca"
        ),
        Case(name: "another fingerprint, but the authority", fingerprint: "other-ca"),
        Case(
            name: "another fingerprint",
            authority: nil,
            fingerprint: "other-ca",
            clientError: .certificate(.otherFingerprint(shown: hash("server"))),
            serverError: toldUnknown
        ),
        Case(
            name: "another fingerprint in mode none",
            server: "chained",
            mode: .none,
            authority: nil,
            fingerprint: "other-ca",
            clientError: .certificate(.otherFingerprint(shown: hash("ca"))),
            serverError: toldUnknown
        ),
        Case(
            name: "the fingerprint of an expired certificate",
            server: "expired",
            authority: nil,
            fingerprint: "expired",
            clientError: .certificate(.expired),
            serverError: .refusedByPeer("sslv3 alert certificate expired")
        ),
        Case(
            name: "the right fingerprint, a wrong name",
            server: "wrong-name",
            authority: nil,
            fingerprint: "wrong-name",
            clientError: .certificate(.wrongName(expected: "localhost")),
            serverError: toldBad
        ),
        Case(name: "a required client certificate", clientAuthentication: .required, client: "client"),
        Case(
            name: "a missing client certificate",
            clientAuthentication: .required,
            clientError: .refusedByPeer("tlsv13 alert certificate required"),
            serverError: .noPeerCertificate
        ),
        Case(name: "an optional client certificate, missing", clientAuthentication: .optional),
        Case(name: "an optional client certificate", clientAuthentication: .optional, client: "client"),
        Case(
            name: "an optional client certificate of a stranger",
            clientAuthentication: .optional,
            client: "foreign",
            clientError: toldUnknown,
            serverError: unknownAuthority
        ),
        Case(
            name: "an expired client certificate",
            clientAuthentication: .required,
            client: "expired",
            clientError: .refusedByPeer("sslv3 alert certificate expired"),
            serverError: .certificate(.expired)
        ),
    ]

    @Test("handshakes", arguments: cases)
    func handshakes(_ row: Case) throws {
        let files = try TestCertificates.shared.get()
        var serverSettings = TLSServerSettings(identity: files.identity(row.server))
        serverSettings.clientAuthentication = row.clientAuthentication
        serverSettings.certificateAuthorities = [files.path("ca.pem")]
        var clientSettings = TLSClientSettings()
        clientSettings.certificateAuthorities = row.authority.map { [files.path("\($0).pem")] } ?? []
        clientSettings.fingerprint = row.fingerprint.map(Self.hash)
        clientSettings.verificationMode = row.mode
        clientSettings.identity = row.client.map { files.identity($0) }

        let sockets = try SocketPair()
        let server = TLSPeer(
            try TLSConnection(server: try TLSContext(server: serverSettings), socket: sockets.first),
            sends: "pong"
        )
        let client = TLSPeer(
            try TLSConnection(
                client: try TLSContext(client: clientSettings),
                socket: sockets.second,
                serverName: row.serverName
            ),
            sends: "ping"
        )
        // In turns: with socket buffers between, each side moves on as far as it can.
        for _ in 0..<20 {
            client.advance()
            server.advance()
        }
        #expect(client.error == row.clientError)
        #expect(server.error == row.serverError)
        if row.clientError == nil {
            #expect(client.received == Array("pong".utf8))
            #expect(server.received == Array("ping".utf8))
            #expect(client.isClosed && server.isClosed)
        }
    }

    @Test(
        "names bytes that are no TLS",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", .notTLS), ("2W\u{0}\u{0}\u{0}\u{1}2J and more", .notTLS),
            ("\u{16}\u{3}\u{1}", .connectionLost), ("", .connectionLost),
        ] as [(String, TLSError)]
    )
    func plainText(_ text: String, expected: TLSError) throws {
        let files = try TestCertificates.shared.get()
        let context = try TLSContext(server: TLSServerSettings(identity: files.identity("server")))
        let sockets = try SocketPair()
        let server = TLSPeer(try TLSConnection(server: context, socket: sockets.first), sends: "")
        sockets.sendFromSecond(Array(text.utf8))
        sockets.endSecond()
        for _ in 0..<3 { server.advance() }
        #expect(server.error == expected)
    }

    @Test("a client notices a server without TLS")
    func plainServer() throws {
        let context = try TLSContext(client: TLSClientSettings())
        let sockets = try SocketPair()
        let client = TLSPeer(
            try TLSConnection(client: context, socket: sockets.first, serverName: "localhost"),
            sends: ""
        )
        client.advance()
        sockets.sendFromSecond(Array("220 mail.example.com ESMTP\r\n".utf8))
        client.advance()
        #expect(client.error == .notTLS)
    }

    @Test("survives seeded garbage behind a ClientHello's header")
    func garbage() throws {
        let files = try TestCertificates.shared.get()
        let context = try TLSContext(server: TLSServerSettings(identity: files.identity("server")))
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let sockets = try SocketPair()
            let server = TLSPeer(try TLSConnection(server: context, socket: sockets.first), sends: "")
            sockets.sendFromSecond([22, 3, 1, 0, 120, 1, 0, 0, 116, 3, 3])
            sockets.sendFromSecond((0..<150).map { _ in .random(in: .min ... .max, using: &random) })
            sockets.endSecond()
            for _ in 0..<3 { server.advance() }
            #expect(server.error != nil)
        }
    }

    @Test("moves much data through small socket buffers, also from a buffer that moves")
    func bulk() throws {
        let files = try TestCertificates.shared.get()
        var settings = TLSClientSettings()
        settings.certificateAuthorities = [files.path("ca.pem")]
        let sockets = try SocketPair(bufferBytes: 8192)
        let text = String(repeating: "0123456789abcdef", count: 1 << 16)
        let server = TLSPeer(
            try TLSConnection(
                server: try TLSContext(server: TLSServerSettings(identity: files.identity("server"))),
                socket: sockets.first
            ),
            sends: ""
        )
        let client = TLSPeer(
            try TLSConnection(
                client: try TLSContext(client: settings),
                socket: sockets.second,
                serverName: "localhost"
            ),
            sends: text
        )
        for _ in 0..<2000 where !(client.isClosed && server.isClosed) {
            client.advance()
            server.advance()
        }
        #expect(client.error == nil)
        #expect(server.error == nil)
        #expect(server.received == Array(text.utf8))
    }

    @Test("says which file is wrong")
    func files() throws {
        let files = try TestCertificates.shared.get()
        func refusal(_ certificate: String, _ key: String, authorities: [String] = []) -> TLSError? {
            var settings = TLSServerSettings(
                identity: TLSIdentity(certificate: files.path(certificate), key: files.path(key))
            )
            settings.clientAuthentication = authorities.isEmpty ? .none : .required
            settings.certificateAuthorities = authorities.map { files.path($0) }
            do throws(TLSError) {
                _ = try TLSContext(server: settings)
                return nil
            } catch {
                return error
            }
        }
        func file(_ error: TLSError?) -> String? {
            guard case .file(let path, _) = error else { return nil }
            return path
        }
        #expect(refusal("server.pem", "server.key") == nil)
        #expect(refusal("server.pem", "server.key", authorities: ["ca.pem", "other-ca.pem"]) == nil)
        #expect(
            refusal("nothing.pem", "server.key")
                == .file(path: files.path("nothing.pem"), reason: "No such file or directory")
        )
        #expect(file(refusal("garbage.pem", "server.key")) == files.path("garbage.pem"))
        #expect(file(refusal("server.pem", "garbage.pem")) == files.path("garbage.pem"))
        #expect(file(refusal("server.pem", "locked.key")) == files.path("locked.key"))
        #expect(
            file(refusal("server.pem", "server.key", authorities: ["garbage.pem"]))
                == files.path("garbage.pem")
        )
        #expect(
            refusal("server.pem", "client.key")
                == .keyMismatch(certificate: files.path("server.pem"), key: files.path("client.key"))
        )
        var settings = TLSServerSettings(identity: files.identity("server"))
        settings.clientAuthentication = .required
        #expect(throws: TLSError.noCertificateAuthorities) { try TLSContext(server: settings) }
    }
}

extension TestCertificates {
    func identity(_ name: String) -> TLSIdentity {
        TLSIdentity(certificate: path("\(name).pem"), key: path("\(name).key"))
    }
}

/// One end of a conversation: shakes hands, sends its text, reads until the peer closes.
private final class TLSPeer {
    private var connection: TLSConnection
    private var unsent: [UInt8]
    private var isEstablished = false
    private var hasShutDown = false
    private(set) var received: [UInt8] = []
    private(set) var isClosed = false
    private(set) var error: TLSError?

    init(_ connection: consuming TLSConnection, sends text: String) {
        self.connection = connection
        unsent = Array(text.utf8)
    }

    func advance() {
        guard error == nil else { return }
        do throws(TLSError) {
            if !isEstablished {
                guard try connection.handshake() == .done(bytes: 0) else { return }
                isEstablished = true
            }
            try send()
            try receive()
        } catch {
            self.error = error
        }
    }

    private func send() throws(TLSError) {
        while !unsent.isEmpty {
            // A copy each time: the buffer moves between attempts.
            let copy = Array(unsent)
            let progress = try copy.span.bytes.withUnsafeBytes { (bytes) throws(TLSError) in
                try connection.write(bytes)
            }
            guard case .done(let count) = progress else { return }
            unsent.removeFirst(count)
        }
        guard !hasShutDown else { return }
        hasShutDown = try connection.shutdown() == .done(bytes: 0)
    }

    private func receive() throws(TLSError) {
        var progress = TLSConnection.Progress.done(bytes: 0)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case .done = progress, !isClosed {
            progress = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(TLSError) in
                try connection.read(into: UnsafeMutableRawBufferPointer(bytes))
            }
            if case .done(let count) = progress { received += buffer[..<count] }
            isClosed = progress == .closed
        }
    }
}

/// Two connected non-blocking sockets.
private final class SocketPair {
    let first: Int32
    let second: Int32

    init(bufferBytes: Int32? = nil) throws {
        signal(SIGPIPE, SIG_IGN)
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try Errno.check { socketpair(AF_UNIX, kind, 0, &pair) }
        (first, second) = (pair[0], pair[1])
        guard var size = bufferBytes else { return }
        for socket in pair { setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, 4) }
    }

    deinit {
        close(first)
        close(second)
    }

    func sendFromSecond(_ bytes: [UInt8]) { _ = send(second, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    func endSecond() { Glibc.shutdown(second, Int32(SHUT_WR)) }
}
