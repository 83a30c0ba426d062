import Common
import Glibc
import Synchronization
import Testing

@Suite("HTTP server")
struct HTTPServerTests {
    /// A server that tells what it received.
    private func server(_ change: (inout HTTPServer.Settings) -> Void = { _ in }) throws -> HTTPServer {
        var settings = HTTPServer.Settings(host: "127.0.0.1", port: 0)
        settings.maxBodyBytes = 1000
        change(&settings)
        var router = HTTPRouter()
        let echo: HTTPRouter.Handler = { request in
            let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
            let text = "\(request.method) \(request.path) [\(query)] \(request.header("x-test") ?? "-") "
            return HTTPResponse(status: 200, body: Array("\(text)\(request.peer) \(request.body.count)".utf8))
        }
        router.on("GET", "/echo", echo)
        router.on("POST", "/echo", echo)
        router.on("GET", "/a b/é", echo)
        router.on("GET", "/large") { _ in
            HTTPResponse(status: 200, body: [UInt8](repeating: 65, count: 4 << 20))
        }
        router.on("GET", "/bad-header") { _ in
            HTTPResponse(
                status: 200,
                headers: [.init("X-Evil", "a\r\nSet-Cookie: b"), .init("X-Good", "yes")]
            )
        }
        return try HTTPServer(settings, router: router)
    }

    private static let post = "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"

    @Test(
        "answers",
        arguments: [
            (
                "plain", "GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 200,
                "GET /echo [] - 127.0.0.1 0"
            ),
            (
                "query and header",
                "GET /echo?a=1&b=%41+c&flag&a=%zz HTTP/1.1\r\nHost: t\r\nX-TEST: v\r\nConnection: close\r\n\r\n",
                200,
                "GET /echo [a=1|b=A c|flag=|a=%zz] v 127.0.0.1 0"
            ),
            (
                "escaped path", "GET /a%20b/%C3%A9 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 200,
                "GET /a b/é [] - 127.0.0.1 0"
            ),
            (
                "as to a proxy",
                "GET http://t:80/a%20b/%C3%A9 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
                200,
                "GET /a b/é [] - 127.0.0.1 0"
            ),
            ("HTTP/1.0", "GET /echo HTTP/1.0\r\n\r\n", 200, "GET /echo [] - 127.0.0.1 0"),
            ("HEAD has no body", "HEAD /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 200, ""),
            ("body", Self.post + "Content-Length: 3\r\n\r\nabc", 200, "POST /echo [] - 127.0.0.1 3"),
            (
                "chunks", Self.post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
                200, "POST /echo [] - 127.0.0.1 5"
            ),
            (
                "unknown path", "GET /nope HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 404,
                "{\"error\":\"404 page not found\"}\n"
            ),
            (
                "NUL in the path", "GET /echo%00x HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 404,
                "{\"error\":\"404 page not found\"}\n"
            ),
            (
                "other method", "DELETE /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 405,
                "{\"error\":\"method not supported: DELETE\"}\n"
            ),
            (
                "declared body too large", Self.post + "Content-Length: 1001\r\n\r\n", 413,
                "{\"error\":\"the body has more than 1000 bytes\"}\n"
            ),
            (
                "chunked body too large",
                Self.post + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + String(repeating: "x", count: 1024)
                    + "\r\n0\r\n\r\n", 413,
                "{\"error\":\"the body has more than 1000 bytes\"}\n"
            ),
        ] as [(String, String, Int, String)]
    )
    func answers(name: String, request: String, status: Int, body: String) throws {
        let server = try server()
        let answer = try RawClient.exchange(request, port: server.address.port)
        #expect(RawClient.status(of: answer) == status)
        #expect(RawClient.body(of: answer) == body)
    }

    @Test(
        "refuses what is not HTTP, and goes on",
        arguments: [
            ("garbage", "\u{1}\u{2}\u{3}garbage\r\n\r\n"),
            ("a TLS hello", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n"),
            ("no host", "GET /echo HTTP/1.1\r\n\r\n"),
            ("two hosts", "GET /echo HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n"),
            ("blank in the path", "GET /echo echo HTTP/1.1\r\nHost: t\r\n\r\n"),
            ("blank in a header", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length : 3\r\n\r\nabc"),
            ("header without name", "GET /echo HTTP/1.1\r\n: a\r\nHost: t\r\n\r\n"),
            (
                "two ways to end",
                "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            ("bad length", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n"),
            (
                "huge length",
                "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999999\r\n\r\n"
            ),
            ("bad chunk", "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            (
                "long request line",
                "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: t\r\n\r\n"
            ),
            (
                "flood of headers",
                "GET /echo HTTP/1.1\r\nHost: t\r\n" + String(repeating: "X-A: b\r\n", count: 20_000) + "\r\n"
            ),
        ] as [(String, String)]
    )
    func refuses(name: String, request: String) throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        client.send(request)
        let (answer, isClosed) = client.receive()
        #expect(isClosed)
        if let status = RawClient.status(of: answer) { #expect((400..<500).contains(status)) }
        #expect(RawClient.status(of: try RawClient.get("/echo", port: server.address.port)) == 200)
    }

    @Test("an endless body is cut off")
    func endlessBody() throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n")
        let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 120, count: 65536) + Array("\r\n".utf8)
        var sent = 0
        while sent < 1000, client.send(chunk) { sent += 1 }
        #expect(sent < 1000)
    }

    @Test("a client that sends a byte now and then loses its connection")
    func slowClient() throws {
        let server = try server { $0.readTimeout = .milliseconds(300) }
        let client = try RawClient(port: server.address.port)
        client.send("GET /echo HTTP/1.1\r\nHost: t\r\nX-Slow: ")
        var beats = 0
        while beats < 100, client.send("x") {
            beats += 1
            if client.receive(patience: 100).isClosed { break }
        }
        #expect(beats < 100)
        #expect(RawClient.status(of: try RawClient.get("/echo", port: server.address.port)) == 200)
    }

    @Test("connections beyond the limit wait until there is room")
    func connectionLimit() throws {
        let server = try server {
            $0.maxConnections = 4
            $0.readTimeout = .milliseconds(500)
        }
        let port = server.address.port
        let first = try RawClient(port: port)
        let second = try RawClient(port: port)
        let third = try RawClient(port: port)
        let fourth = try RawClient(port: port)
        // The four idle ones lose their place after the time of a request.
        #expect(RawClient.status(of: try RawClient.get("/echo", port: port)) == 200)
        #expect(first.receive().isClosed && second.receive().isClosed)
        #expect(third.receive().isClosed && fourth.receive().isClosed)
    }

    @Test("a connection serves several requests, also sent at once")
    func keepAlive() throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        let request = "GET /echo HTTP/1.1\r\nHost: t\r\n\r\n"
        client.send(request + request + "GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        let (text, isClosed) = client.receive()
        #expect(isClosed && text.ranges(of: "GET /echo [] - 127.0.0.1 0").count == 3)
    }

    @Test("a large answer arrives whole, and a header cannot forge another")
    func answersAreIntact() throws {
        let server = try server()
        let large = try RawClient.get("/large", port: server.address.port)
        #expect(RawClient.body(of: large).utf8.count == 4 << 20)
        let headers = try RawClient.get("/bad-header", port: server.address.port)
        #expect(!headers.contains("Set-Cookie") && headers.contains("X-Good: yes"))
        #expect(headers.contains("X-Content-Type-Options: nosniff"))
    }

    @Test("serves many clients at once")
    func concurrent() throws {
        let server = try server()
        let port = server.address.port
        let succeeded = Counter()
        let threads = try (0..<8).map { _ in
            try Thread("client") {
                for _ in 0..<50 {
                    if let answer = try? RawClient.get("/echo", port: port),
                        RawClient.status(of: answer) == 200
                    {
                        succeeded.add()
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(succeeded.total == 400)
    }

    @Test("a taken port, a bad name and a foreign address are named")
    func cannotListen() throws {
        let server = try server()
        let port = server.address.port
        let taken = #expect(throws: HTTPServer.Failure.self) {
            try HTTPServer(.init(host: "127.0.0.1", port: port), router: HTTPRouter())
        }
        #expect(taken?.description == "cannot listen on 127.0.0.1:\(port): Address already in use")
        let foreign = #expect(throws: HTTPServer.Failure.self) {
            try HTTPServer(.init(host: "192.0.2.1", port: 0), router: HTTPRouter())
        }
        #expect(foreign?.description == "cannot listen on 192.0.2.1:0: Cannot assign requested address")
        let bad = #expect(throws: HTTPServer.Failure.self) {
            try HTTPServer(.init(host: "no such host", port: 0), router: HTTPRouter())
        }
        #expect(bad?.description.hasPrefix("cannot listen: cannot resolve no such host: ") == true)
    }

    @Test("listens on IPv6, on every address and on names", arguments: ["::1", "0.0.0.0", "::", "localhost"])
    func hosts(host: String) throws {
        let server = try HTTPServer(.init(host: host, port: 0), router: HTTPRouter())
        #expect(server.address.port > 0)
        guard host != "::1", host != "localhost" else { return }
        #expect(RawClient.status(of: try RawClient.get("/", port: server.address.port)) == 404)
    }

    @Test("after stop the port is free, and stopping twice is harmless")
    func stops() throws {
        let server = try server()
        let port = server.address.port
        let client = try RawClient(port: port)
        #expect(RawClient.status(of: try RawClient.get("/echo", port: port)) == 200)
        server.stop()
        server.stop()
        #expect(client.receive().isClosed)
        let again = try HTTPServer(.init(host: "127.0.0.1", port: port), router: HTTPRouter())
        #expect(again.address.port == port)
    }
}
