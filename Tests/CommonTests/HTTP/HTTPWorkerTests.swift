import Common
import Glibc
import Synchronization
import Testing

@Suite("HTTP worker")
struct HTTPWorkerTests {
    private let probe = Probe()

    private func server(
        threads: Int = 1,
        host: String = "127.0.0.1",
        _ change: (inout HTTPServer.Settings) -> Void = { _ in }
    ) throws -> HTTPServer {
        var settings = HTTPServer.Settings(host: host, port: 0)
        change(&settings)
        return try HTTPServer(settings, threads: threads) { [probe] in ProbeWorker($0, $1, probe) }
    }

    private static func head(_ method: String, _ path: String, _ headers: String...) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: t\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private static func chunked(_ path: String) -> String { head("POST", path, "Transfer-Encoding: chunked") }

    private static let close = head("GET", "/echo", "Connection: close")

    @Test(
        "bodies arrive whole and in order, whatever the stream waits for, and the connection goes on",
        arguments: [
            "/echo", "/wait-each", "/wait-each-early", "/wait-end", "/opening-wait", "/wait-each-long",
        ],
        ["length", "chunks", "tiny chunks", "in pieces"]
    )
    func bodies(path: String, transfer: String) throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        let body = String((0..<2000).map { "\($0)," }.joined().prefix(8000))
        var request: String
        if transfer == "length" {
            request = Self.head("POST", path, "Content-Length: 8000") + body
        } else {
            let size = transfer == "tiny chunks" ? 100 : 3000
            var rest = Substring(body)
            request = Self.chunked(path)
            while !rest.isEmpty {
                let part = rest.prefix(size)
                request += "\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n"
                rest = rest.dropFirst(part.count)
            }
            request += "0\r\n\r\n"
        }
        request += Self.close
        if transfer == "in pieces" {
            for part in stride(from: 0, to: request.utf8.count, by: 1500) {
                client.send(Array(request.utf8.dropFirst(part).prefix(1500)))
                usleep(500)
            }
        } else {
            client.send(request)
        }
        if path != "/echo" { #expect(probe.eventually { !$0.exchanges.isEmpty }) }
        if path == "/wait-end" { #expect(probe.eventually { $0.finished == 1 }) }
        if path == "/wait-each-long" { #expect(probe.eventually { !$0.received.isEmpty }) }
        probe.release()
        let (text, isClosed) = client.receive()
        let answers = text.split(separator: "HTTP/1.1 200 OK\r\n", omittingEmptySubsequences: false).map(
            String.init
        )
        #expect(isClosed && answers.count == 3)
        #expect(RawClient.body(of: answers[1]) == body && RawClient.body(of: answers[2]).isEmpty)
        #expect(probe.count(\.received.count) == 8000)
        #expect(probe.count(\.cancelled) == 0)
    }

    @Test(
        "answers",
        arguments: [
            (
                "accepted", Self.head("POST", "/accepted"),
                ["HTTP/1.1 202 Accepted\r\n", "Content-Length: 0\r\n"], []
            ),
            (
                "unchanged", Self.head("GET", "/unchanged"),
                ["HTTP/1.1 304 Not Modified\r\n", "Etag: \"1\"\r\n", "Content-Length: 2\r\n"],
                ["{}"]
            ),
            (
                "headers in order", Self.head("GET", "/headers"),
                ["B: 1\r\nA: 2\r\nB: 3\r\nX-Content-Type-Options: nosniff\r\n", "Date: "], []
            ),
            ("HEAD", Self.head("HEAD", "/headers"), ["Content-Length: 1\r\n"], ["\r\n\r\nx"]),
            (
                "asked to close", Self.head("GET", "/closing"),
                ["401", "Connection: close\r\n", "\r\n\r\nno"], []
            ),
            ("facts", Self.head("OPTIONS", "/facts"), ["\r\n\r\nOPTIONS 127.0.0.1 port false"], []),
            ("any method", Self.head("BREW", "/facts"), ["\r\n\r\nBREW 127.0.0.1 port false"], []),
            ("HTTP/1.0", "GET /facts HTTP/1.0\r\n\r\n", ["Connection: close", "\r\n\r\nGET 127.0.0.1"], []),
            (
                "100-continue", Self.head("POST", "/echo", "Content-Length: 3", "Expect: 100-continue"),
                ["HTTP/1.1 100 Continue\r\n\r\n"], ["200"]
            ),
            (
                "refused before the body",
                Self.head("POST", "/refused", "Content-Length: 3", "Expect: 100-continue"),
                ["HTTP/1.1 403 Forbidden\r\n", "Connection: Close\r\n", "\r\n\r\nrefused"], ["100"]
            ),
            (
                "refused with the body",
                Self.head("POST", "/refused", "Content-Length: 3") + "abc" + Self.close,
                ["HTTP/1.1 403 Forbidden\r\n", "\r\n\r\nrefused", "200"], ["Connection: Close"]
            ),
            (
                "two lengths", Self.head("POST", "/echo", "Content-Length: 3", "Content-Length: 4") + "abc",
                ["HTTP/1.1 400 "], []
            ),
            (
                "length and coding",
                Self.head("POST", "/echo", "Content-Length: 3", "Transfer-Encoding: chunked") + "0\r\n\r\n",
                ["HTTP/1.1 400 "], []
            ),
            (
                "unknown coding",
                Self.head("POST", "/echo", "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n",
                ["HTTP/1.1 501 "], []
            ),
            (
                "broken chunk", Self.chunked("/echo") + "3\r\nabc\r\nzz\r\n", ["HTTP/1.1 400 "], []
            ),
            (
                "headers too large",
                Self.head("GET", "/facts", "X-A: " + String(repeating: "a", count: 40_000)),
                ["HTTP/1.1 431 "], []
            ),
            (
                "declared too large", Self.head("POST", "/collected", "Content-Length: 11"),
                ["HTTP/1.1 413 "], []
            ),
            (
                "too large", Self.chunked("/collected") + "b\r\n01234567890\r\n",
                ["HTTP/1.1 413 ", "Connection: Close\r\n", "the body has more than 10 bytes"], []
            ),
        ] as [(String, String, [String], [String])]
    )
    func answers(name: String, request: String, expected: [String], absent: [String]) throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        client.send(request)
        let (text, _) = client.receive(until: expected.last)
        for part in expected { #expect(text.contains(part)) }
        for part in absent { #expect(!text.contains(part)) }
        client.endSending()
        #expect(client.receive().isClosed)
    }

    @Test("a collected body may wait")
    func collected() throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        client.send(Self.head("POST", "/collected", "Content-Length: 10", "Connection: close") + "0123456789")
        #expect(probe.eventually { !$0.exchanges.isEmpty })
        probe.release()
        #expect(RawClient.body(of: client.receive().text) == "0123456789")
    }

    @Test("a client sees the answer in the middle of its stream", arguments: ["/early", "/early-large"])
    func earlyAnswer(path: String) throws {
        let server = try server()
        let client = try RawClient(port: server.address.port)
        client.send(Self.chunked(path))
        client.sendChunk("first")
        if path == "/early" {
            let text = client.receive(until: "too many").text
            #expect(
                text.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n")
                    && text.contains("\r\nConnection: Close\r\n")
            )
        }
        // It goes on for a while and is not cut off.
        var sent = 0
        while sent < 50, client.sendChunk(String(repeating: "x", count: 20_000)) { sent += 1 }
        #expect(sent == 50)
        if path == "/early-large" {
            #expect(RawClient.body(of: client.receive().text).utf8.count == 16 << 20)
        } else {
            #expect(client.receive().isClosed)
        }
        client.send("0\r\n\r\n")
        client.endSending()
        #expect(probe.count(\.received.count) == 5 && probe.count(\.cancelled) == 0)
        #expect(RawClient.status(of: try RawClient.get("/echo", port: server.address.port)) == 200)
    }

    @Test(
        "a request that is never answered is cancelled once",
        arguments: [
            "gone while it waits", "reset while it waits", "gone in the body", "reset in the body",
            "too slow",
            "stopped",
        ]
    )
    func cancels(how: String) throws {
        let server = try server { $0.readTimeout = .milliseconds(how == "too slow" ? 200 : 60_000) }
        do {
            let client = try RawClient(port: server.address.port)
            client.send(
                Self.head(
                    "POST",
                    how.hasSuffix("while it waits") ? "/wait-each-long" : "/echo",
                    "Content-Length: 10"
                )
            )
            client.send("abc")
            #expect(probe.eventually { $0.received.count == 3 })
            if how == "too slow" {
                let text = client.receive(until: "timed out").text
                #expect(RawClient.status(of: text) == 503 && text.contains("Connection: Close"))
            }
            if how.hasPrefix("reset") { client.resetAtEnd() }
            if how == "stopped" {
                server.stop()
                #expect(client.receive().isClosed)
            }
        }
        // Only this one looks like a client that has merely ended its sending.
        if how == "gone while it waits" { probe.release() }
        #expect(probe.eventually { $0.cancelled == 1 })
        // Nor does a late wake do anything.
        probe.release()
        server.stop()
        probe.release()
        #expect(probe.count(\.cancelled) == 1)
    }

    @Test("the end right behind a large body is seen", arguments: ["length", "chunked", "cut off"])
    func endBehindBody(kind: String) throws {
        let server = try server()
        let body = String(repeating: "x", count: 150_000)
        for _ in 0..<5 {
            let client = try RawClient(port: server.address.port)
            switch kind {
            case "length": client.send(Self.head("POST", "/slow", "Content-Length: 150000") + body)
            case "cut off": client.send(Self.head("POST", "/slow", "Content-Length: 150010") + body)
            default: client.send(Self.chunked("/slow") + "249f0\r\n\(body)\r\n0\r\n\r\n")
            }
            client.endSending()
            let (text, isClosed) = client.receive(patience: 2000)
            #expect(isClosed && text.contains("200 OK") == (kind != "cut off"))
        }
    }

    @Test("the clock stands still while a client waits for us, and wakes are many")
    func patience() throws {
        let server = try server { $0.readTimeout = .milliseconds(100) }
        let client = try RawClient(port: server.address.port)
        client.send(Self.head("POST", "/wait-end", "Content-Length: 3", "Connection: close") + "abc")
        #expect(probe.eventually { !$0.exchanges.isEmpty })
        let exchange = probe.state.withLock { $0.exchanges[0] }
        let threads = try (0..<4).map { _ in try Thread("waker") { for _ in 0..<1000 { exchange.wake() } } }
        for thread in threads { thread.join() }
        #expect(!client.receive(patience: 400).isClosed)
        probe.release()
        #expect(RawClient.body(of: client.receive().text) == "abc")
        #expect(probe.count(\.cancelled) == 0)
    }

    @Test(
        "idle and slow clients lose their connections",
        arguments: ["silent", "between two requests", "not reading", "head byte by byte"]
    )
    func timeouts(how: String) throws {
        let server = try server {
            $0.readTimeout = .milliseconds(300)
            $0.idleTimeout = .milliseconds(100)
            $0.writeTimeout = .milliseconds(200)
        }
        let client = try RawClient(port: server.address.port)
        switch how {
        case "between two requests":
            client.send(Self.head("GET", "/facts"))
            #expect(client.receive(until: "false").text.contains("200 OK"))
        case "not reading":
            client.send(Self.head("GET", "/large"))
            usleep(700_000)
            #expect(client.receive().text.utf8.count < 64 << 20)
            return
        case "head byte by byte":
            client.send("GET /facts HTTP/1.1\r\nHost: t\r\nX: ")
            var beats = 0
            while beats < 100, client.send("x"), !client.receive(patience: 50).isClosed { beats += 1 }
            #expect(beats < 100)
            return
        default: break
        }
        #expect(client.receive().isClosed)
    }

    @Test("threads share the connections evenly, and a limit holds for all of them")
    func threads() throws {
        let server = try server(threads: 2) { $0.maxConnections = 16 }
        let port = server.address.port
        var byThread: [String: Int] = [:]
        var clients: [Held] = []
        for _ in 0..<16 {
            clients.append(Held(try RawClient(port: port)))
            clients[clients.count - 1].client.send(Self.head("GET", "/thread"))
            byThread[
                RawClient.body(of: clients[clients.count - 1].client.receive(until: "\r\n\r\n").text),
                default: 0
            ] += 1
        }
        #expect(byThread == ["0": 8, "1": 8])
        let late = try RawClient(port: port)
        late.send(Self.head("GET", "/thread"))
        #expect(late.receive(patience: 100).text.isEmpty)
        clients.removeLast()
        #expect(late.receive(until: "\r\n\r\n").text.contains("200 OK"))
        let threads = probe.state.withLock { $0.threads }
        let before = probe.count(\.ticks)
        threads[1].wake()
        #expect(threads.count == 2 && probe.eventually { $0.ticks > before })
    }

    private final class Held {
        let client: RawClient
        init(_ client: consuming RawClient) { self.client = client }
    }

    @Test("an address has its share of connections")
    func addressLimit() throws {
        let server = try server(threads: 2) { $0.maxConnectionsPerAddress = 2 }
        let port = server.address.port
        do {
            let first = try RawClient(port: port)
            let second = try RawClient(port: port)
            first.send(Self.head("GET", "/facts"))
            second.send(Self.head("GET", "/facts"))
            #expect(first.receive(until: "false").text.contains("200"))
            #expect(second.receive(until: "false").text.contains("200"))
            let third = try RawClient(port: port)
            #expect(third.receive().isClosed)
        }
        #expect(
            try (0..<1000).contains { _ in
                RawClient.status(of: try RawClient.get("/facts", port: port)) == 200
            }
        )
    }

    @Test("a stop waits for the requests that run, and for no others", arguments: [true, false])
    func gracefulStop(isAnswered: Bool) throws {
        let server = try server(threads: 2)
        let port = server.address.port
        let idle = try RawClient(port: port)
        let busy = try RawClient(port: port)
        let early = try RawClient(port: port)
        idle.send(Self.head("GET", "/facts"))
        #expect(idle.receive(until: "false").text.contains("200"))
        early.send(Self.chunked("/early") + "1\r\nx\r\n")
        #expect(early.receive(until: "too many").text.contains("429"))
        busy.send(Self.head("POST", "/wait-end", "Content-Length: 3") + "abc")
        #expect(probe.eventually { $0.finished == 1 })
        let start = Clock.monotonic
        let stopping = try Thread("stop") { server.stop(within: .milliseconds(isAnswered ? 20_000 : 100)) }
        #expect(idle.receive().isClosed)
        if isAnswered { probe.release() }
        let (text, isClosed) = busy.receive()
        #expect(isClosed && text.hasSuffix("abc") == isAnswered)
        if isAnswered { #expect(text.contains("Connection: close\r\n")) }
        stopping.join()
        #expect(Clock.monotonic - start < 10_000_000_000)
        #expect(probe.count(\.cancelled) == (isAnswered ? 0 : 1))
        #expect(throws: (any Error).self) { _ = try RawClient(port: port) }
    }

    @Test("garbage, floods and early ends leave the server as it was")
    func hostile() throws {
        let server = try server(threads: 2)
        let port = server.address.port
        let flood =
            "GET /echo HTTP/1.1\r\nHost: t\r\n" + String(repeating: "X-A: b\r\n", count: 20_000) + "\r\n"
        for round in 0..<100 {
            let client = try RawClient(port: port)
            switch round % 5 {
            case 0: client.send(flood)
            case 1: client.send(Self.head("POST", "/echo", "Content-Length: 100") + "short")
            case 2: client.send(Self.chunked("/wait-each") + "5\r\nabcde\r\nffffffffffffffffff\r\n")
            case 3: client.send("\u{16}\u{3}\u{1}\u{0}\u{0}\r\n\r\n")
            default: client.send(Self.head("POST", "/wait-each-early", "Content-Length: 9") + "abc")
            }
            if round % 2 == 0 { client.resetAtEnd() }
        }
        #expect(RawClient.status(of: try RawClient.get("/facts", port: port)) == 200)
        // Some were reset before the server read their heads.
        #expect(probe.eventually { $0.cancelled == $0.exchanges.count - 1 && $0.cancelled > 20 })
    }
}
