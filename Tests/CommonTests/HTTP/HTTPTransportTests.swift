import Common
import Glibc
import Synchronization
import Testing

@Suite("HTTP over TLS and Unix sockets")
struct HTTPTransportTests {
    private let probe = Probe()

    private func server(_ settings: HTTPServer.Settings) throws -> HTTPServer {
        try HTTPServer(settings, threads: 2) { [probe] in ProbeWorker($0, $1, probe) }
    }

    private func tls(_ name: String, _ authentication: TLSClientAuthentication = .none) throws
        -> HTTPServer.Settings
    {
        let files = try TestCertificates.shared.get()
        var settings = HTTPServer.Settings(host: "127.0.0.1", port: 0)
        let identity = TLSIdentity(certificate: files.path("\(name).pem"), key: files.path("\(name).key"))
        settings.tls = TLSServerSettings(identity: identity)
        settings.tls?.certificateAuthorities = authentication == .none ? [] : [files.path("ca.pem")]
        settings.tls?.clientAuthentication = authentication
        return settings
    }

    private static let facts = "GET /facts HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"

    @Test(
        "asks clients for certificates",
        arguments: [
            (.none, nil, true), (.none, "foreign", true),
            (.optional, nil, true), (.optional, "client", true), (.optional, "foreign", false),
            (.optional, "expired", false),
            (.required, nil, false), (.required, "client", true), (.required, "foreign", false),
        ] as [(TLSClientAuthentication, String?, Bool)]
    )
    func clientCertificates(authentication: TLSClientAuthentication, client: String?, isServed: Bool) throws {
        let files = try TestCertificates.shared.get()
        let server = try server(tls("server", authentication))
        let identity = client.map {
            TLSIdentity(certificate: files.path("\($0).pem"), key: files.path("\($0).key"))
        }
        func ask() throws -> String {
            let port = server.address.port
            let client = try SecureClient(port: port, authority: files.path("ca.pem"), identity: identity)
            try client.send(Self.facts)
            return try client.receive().text
        }
        if isServed {
            #expect(try ask().hasSuffix("GET 127.0.0.1 port true"))
        } else {
            #expect(throws: (any Error).self) { try ask() }
            #expect(probe.count(\.exchanges.count) == 0)
        }
    }

    @Test("streams, waits, answers early and closes in order over TLS")
    func secureStreams() throws {
        let files = try TestCertificates.shared.get()
        let server = try server(tls("server"))
        let authority = files.path("ca.pem")
        let waiting = try SecureClient(port: server.address.port, authority: authority)
        let body = String(repeating: "0123456789", count: 10_000)
        try waiting.send(
            "POST /wait-each HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n\(body)\(Self.facts)"
        )
        #expect(probe.eventually { $0.finished == 1 })
        let text = try waiting.receive(until: "GET 127.0.0.1 port true").text
        #expect(text.contains("\r\n\r\n\(body)HTTP/1.1 200 OK\r\n"))

        let early = try SecureClient(port: server.address.port, authority: authority)
        try early.send("POST /early HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        try early.sendChunk("first")
        #expect(try early.receive(until: "too many").text.contains("\r\nConnection: Close\r\n"))
        for _ in 0..<50 { try early.sendChunk(String(repeating: "x", count: 20_000)) }
        #expect(try early.receive().isClosed)

        let idle = try SecureClient(port: server.address.port, authority: authority)
        try idle.send("GET /facts HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(try idle.receive(until: "true").text.contains("200"))
        server.stop()
        #expect(try idle.receive().isClosed)
    }

    @Test("plain text and garbage on a TLS port change nothing")
    func notTLS() throws {
        let files = try TestCertificates.shared.get()
        let server = try server(tls("server"))
        for text in [Self.facts, "\u{16}\u{3}\u{1}\u{2}", String(repeating: "x", count: 100_000)] {
            let client = try RawClient(port: server.address.port)
            client.send(text)
            client.endSending()
            #expect(client.receive().isClosed)
        }
        let client = try SecureClient(port: server.address.port, authority: files.path("ca.pem"))
        try client.send(Self.facts)
        #expect(try client.receive().text.hasSuffix("true"))
    }

    @Test(
        "names bad files at the start",
        arguments: [
            ("nothing.pem", "server.key", "ca.pem", "nothing.pem: No such file or directory"),
            ("server.pem", "garbage.pem", "ca.pem", "garbage.pem"),
            ("server.pem", "client.key", "ca.pem", "does not belong to"),
            ("server.pem", "locked.key", "ca.pem", "locked.key"),
            ("server.pem", "server.key", "garbage.pem", "garbage.pem"),
        ]
    )
    func badFiles(certificate: String, key: String, authority: String, expected: String) throws {
        let files = try TestCertificates.shared.get()
        var settings = try tls("server", .required)
        settings.tls?.identity = TLSIdentity(certificate: files.path(certificate), key: files.path(key))
        settings.tls?.certificateAuthorities = [files.path(authority)]
        let failure = #expect(throws: HTTPServer.Failure.self) { try server(settings) }
        let text = failure?.description ?? ""
        #expect(text.hasPrefix("cannot listen with TLS: ") && text.contains(expected))
    }

    @Test("serves a Unix socket, replaces a dead one's file and respects a live one's")
    func unixSocket() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/apm.sock"
        let address = try #require(Socket.Address(unixPath: path))
        let settings = HTTPServer.Settings(host: "unix:\(path)", port: 0)
        func ask() throws -> String {
            let client = try RawClient(address)
            client.send(Self.facts)
            return client.receive().text
        }
        // Left behind by a server that was killed.
        _ = try Socket.listen(on: address)
        #expect(access(path, F_OK) == 0)
        let server = try server(settings)
        #expect(server.address.description == "unix:\(path)" && server.address.port == 0)
        #expect(try ask().hasSuffix("GET  none false"))
        let second = #expect(throws: HTTPServer.Failure.self) { try self.server(settings) }
        #expect(second?.description == "cannot listen on unix:\(path): Address already in use")
        #expect(try ask().hasSuffix("GET  none false"))
        let early = try RawClient(address)
        early.send("POST /early HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        #expect(early.receive(until: "too many").text.contains("429"))
        server.stop()
        #expect(access(path, F_OK) != 0)
        for (host, reason) in [
            ("unix:\(folder.path)", "Address already in use"), ("unix:", "Invalid argument"),
            ("unix:/no/such/folder/a", "No such file or directory"),
            ("unix:/" + String(repeating: "a", count: 120), "File name too long"),
        ] {
            let failure = #expect(throws: HTTPServer.Failure.self) {
                try self.server(.init(host: host, port: 0))
            }
            #expect(failure?.description == "cannot listen on \(host): \(reason)")
        }
    }

    @Test("a close with unread bytes does not cost the client the refusal")
    func refusalSurvives() throws {
        let server = try server(HTTPServer.Settings(host: "127.0.0.1", port: 0))
        for _ in 0..<20 {
            let client = try RawClient(port: server.address.port)
            client.send("GET /facts HTTP/1.1\r\nHost: t\r\n" + String(repeating: "X-A: b\r\n", count: 50_000))
            let (text, isClosed) = client.receive()
            #expect(isClosed && RawClient.status(of: text) == 431)
        }
    }
}
