import Common
import Testing

@testable import Ingest

/// What clients send stands unescaped in nginx's error log, so it may look like the parts of a message.
@Suite("Parts of nginx errors")
struct NginxErrorPartsTests {
    private static let client = ", client: 192.0.2.1, server: localhost"

    @Test(
        "are found behind the text",
        arguments: [
            ("signal 10 received", [:]),
            (
                "text\(client), request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:1/\", host: \"h\"",
                [
                    "client": "192.0.2.1", "server": "localhost", "request": "GET / HTTP/1.1",
                    "upstream": "http://127.0.0.1:1/", "host": "h",
                ]
            ),
            ("text, client: unix:, server: x", ["client": "unix:", "server": "x"]),
            ("text, client: ::1", ["client": "::1"]),
            // A path with text that looks like a client, inside the quotes of the path.
            (
                "open() \"/x, client: 6.6.6.6, server: evil\" failed\(client), request: \"GET /x\"",
                ["client": "192.0.2.1", "server": "localhost", "request": "GET /x"]
            ),
            ("open() \"/x, client: me\" failed\(client)", ["client": "192.0.2.1", "server": "localhost"]),
            // A referrer that looks like what stands before it.
            (
                "text\(client), request: \"GET / HTTP/1.1\", host: \"real\", referrer: \"x\", host: \"evil\"",
                [
                    "client": "192.0.2.1", "host": "real", "referrer": "x\", host: \"evil",
                    "request": "GET / HTTP/1.1",
                ]
            ),
            (
                "text\(client), request: \"GET / HTTP/1.1\", host: \"h\", referrer: \", client: 6.6.6.6, server: y\"",
                ["client": "192.0.2.1", "host": "h", "referrer": ", client: 6.6.6.6, server: y"]
            ),
            // A request with quotes, of which the right-most host is nginx's own.
            (
                "text\(client), request: \"GET /\", host: \"evil\" HTTP/1.1\", host: \"real\"",
                ["host": "real", "request": "GET /\", host: \"evil\" HTTP/1.1"]
            ),
            // Cut at 2047 bytes.
            ("text\(client), request: \"GET /aaaa", ["client": "192.0.2.1", "request": "GET /aaaa"]),
            ("text\(client), request: \"GET /\", host: \"exam", ["request": "GET /", "host": "exam"]),
            ("text, client: 192.0.2.1, server: loc", ["client": "192.0.2.1", "server": "loc"]),
            ("text, client: 192.0", [:]), ("text, client: 192.0.2.1, ser", ["client": "192.0.2.1"]),
            ("text\(client), request: \"", ["request": ""]), ("", [:]),
        ] as [(String, [String: String])]
    )
    func parts(_ message: String, expected: [String: String]) {
        let bytes = Array(message.utf8)
        let span = bytes.span.bytes
        let parts = NginxErrorParts(span, 0..<bytes.count)
        let found: [String: Range<Int>?] = [
            "client": parts.client, "server": parts.server, "request": parts.request, "host": parts.host,
            "upstream": parts.upstream, "referrer": parts.referrer, "subrequest": parts.subrequest,
        ]
        for (name, value) in expected { #expect(found[name]??.text(in: span) == value, "\(name)") }
        if expected.isEmpty { #expect(parts.client == nil && parts.text == 0..<bytes.count) }
    }

    @Test("thousands of fakes cost little")
    func many() {
        let message = String(repeating: ", client: 1.1.1.1, server: a\"", count: 20_000) + Self.client
        let bytes = Array(message.utf8)
        let parts = NginxErrorParts(bytes.span.bytes, 0..<bytes.count)
        #expect(parts.client != nil)
    }
}

extension Range<Int> {
    fileprivate func text(in span: RawSpan) -> String { span.text(self) }
}
