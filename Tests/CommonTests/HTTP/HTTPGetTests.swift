import Glibc
import Testing

@testable import Common

@Suite("HTTP GET of this machine")
struct HTTPGetTests {
    @Test("reads an answer of our own server, over TCP and over a Unix socket", arguments: [false, true])
    func answer(isUnix: Bool) throws {
        let folder = try TemporaryFolder()
        let host = isUnix ? "unix:\(folder.path)/http" : "127.0.0.1"
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
        var router = HTTPRouter()
        router.on("GET", "/stats") { _ in .json(body) }
        let server = try HTTPServer(.init(host: host, port: 0), router: router)
        let answer = try HTTPGet.ask(host: host, port: server.address.port, path: "/stats")
        #expect(answer.status == 200)
        #expect(answer.body == body)
        #expect(try HTTPGet.ask(host: host, port: server.address.port, path: "/no").status == 404)
        #expect(throws: HTTPGet.Failure.self) {
            try HTTPGet.ask(host: host, port: server.address.port, path: "/stats", limit: 100_000)
        }
        server.stop()
    }

    @Test("says that nothing listens, or that nothing is said")
    func silence() throws {
        let listener = try Socket.listen(on: try Socket.resolve("127.0.0.1", port: 0)[0])
        let port = try Socket.localAddress(of: listener.raw).port
        let silent = #expect(throws: HTTPGet.Failure.self) {
            try HTTPGet.ask(host: "127.0.0.1", port: port, path: "/", timeout: .milliseconds(50))
        }
        #expect(silent?.isRefused == false)
        #expect(silent?.description == "no answer: Connection timed out")
        _ = consume listener
        let refused = #expect(throws: HTTPGet.Failure.self) {
            try HTTPGet.ask(host: "127.0.0.1", port: port, path: "/")
        }
        #expect(refused?.isRefused == true)
        let missing = #expect(throws: HTTPGet.Failure.self) {
            try HTTPGet.ask(host: "unix:/no/such/socket", port: 0, path: "/")
        }
        #expect(missing?.isRefused == true)
    }

    @Test(
        "refuses what is no whole answer",
        arguments: [
            "", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 OK 200\r\n\r\n",
        ]
    )
    func refuses(text: String) {
        #expect(throws: HTTPGet.Failure.self) { try HTTPGet.parse(Array(text.utf8)) }
    }

    @Test("takes an answer without a length")
    func withoutLength() throws {
        let answer = try HTTPGet.parse(Array("HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\nno".utf8))
        #expect(answer.status == 503)
        #expect(answer.body == Array("no".utf8))
    }
}
