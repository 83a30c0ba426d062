import Testing

@testable import Common
@testable import Ingest

@Suite("Formats of gunicorn's and Apache's access logs")
struct AccessFormatTests {
    private func cut(_ format: NginxLogFormat, _ line: String) -> [String: String]? {
        var scanner = NginxScanner(format: format)
        let bytes = Array(line.utf8)
        guard scanner.scan(bytes.span.bytes) == nil else { return nil }
        let values = zip(format.names, scanner.captures).map { ($0, bytes.span.bytes.text($1)) }
        return Dictionary(values, uniquingKeysWith: { first, _ in first })
    }

    @Test(
        "of gunicorn cut its lines",
        arguments: [
            (
                "default",
                #"127.0.0.1 - bob [22/Nov/2026:10:14:47 +0000] "GET / HTTP/1.1" 200 - "-" "we\"ird ag\#tent""#,
                [
                    "h": "127.0.0.1", "u": "bob", "r": "GET / HTTP/1.1", "b": "-", "f": "-",
                    "a": "we\\\"ird ag\tent",
                ]
            ),
            // Only quotes are escaped, so a backslash at the end looks like an escaped quote.
            (
                "default", #"- - - [22/Nov/2026:10:14:47 +0000] "GET / HTTP/1.1" 200 1 "a\" "b\""#,
                ["f": "a\\", "a": "b\\"]
            ),
            (
                #"%(p)s %(t)s %(D)s %({x-forwarded-for}i)s "%({traceparent}i)s" %({X-Request-ID}o)s %({wsgi.url_scheme}e)s"#,
                #"<17> [22/Nov/2026:10:14:47 +0000] 1234 10.0.0.1 "00-a-b" id https"#,
                [
                    "pid": "17", "D": "1234", "http_x_forwarded_for": "10.0.0.1",
                    "http_traceparent": "00-a-b",
                    "sent_http_x_request_id": "id", "wsgi.url_scheme": "https",
                ]
            ),
            (
                "%(m)s %(U)s?%(q)s %(H)s 100%%", "GET /a?b=c HTTP/1.1 100%",
                ["m": "GET", "U": "/a", "q": "b=c"]
            ),
        ] as [(String, String, [String: String])]
    )
    func gunicorn(_ source: String, line: String, expected: [String: String]) throws {
        let values = try #require(cut(try GunicornAccessFormat.compile(source), line))
        for (name, value) in expected { #expect(values[name] == value, "\(name)") }
    }

    @Test(
        "of Apache cut its lines",
        arguments: [
            (
                "combined",
                #"::1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 "http://x/" "a \"b\"""#,
                ["remote_addr": "::1", "remote_user": "frank", "http_user_agent": "a \\\"b\\\""]
            ),
            (
                "combined", #"127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 304 -"#,
                ["status": "304", "body_bytes_sent": "-"]
            ),
            (
                "combined",
                #"shop.example:443 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 9 "-" "-""#,
                ["host": "shop.example", "server_port": "443", "bytes_sent": "9"]
            ),
            (
                #"%a %{X-Forwarded-For}i %t \"%r\" %>s %D %{ms}T %{SSL_PROTOCOL}x"#,
                #"10.0.0.1 192.0.2.1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5 6 TLSv1.3"#,
                ["http_x_forwarded_for": "192.0.2.1", "request_time": "5", "ssl_protocol": "TLSv1.3"]
            ),
        ] as [(String, String, [String: String])]
    )
    func apache(_ source: String, line: String, expected: [String: String]) throws {
        let found = try ApacheLogFormat.compile(source).lazy.compactMap { cut($0, line) }.first
        let values = try #require(found)
        for (name, value) in expected { #expect(values[name] == value, "\(name)") }
    }

    @Test(
        "that are wrong say where",
        arguments: [
            ("%(h)s %x", 6), ("%(h", 0), ("%(h)d", 0), ("%(zz)s", 0), ("%({a}z)s", 0), ("a %", 2),
        ]
    )
    func wrongGunicorn(_ source: String, offset: Int) {
        #expect(throws: NginxFormatError(offset: offset, problem: .unknownDirective)) {
            try GunicornAccessFormat.compile(source)
        }
    }

    @Test("that are wrong say where", arguments: [("%h %y", 3), ("%h %", 3), ("%{a", 0), ("%{%d}t %h", 0)])
    func wrongApache(_ source: String, offset: Int) {
        #expect(throws: NginxFormatError(offset: offset, problem: .unknownDirective)) {
            try ApacheLogFormat.compile(source)
        }
    }

    @Test("durations come in seconds, milliseconds or microseconds, and a traceparent joins logs and traces")
    func fields() throws {
        let id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for (atom, text) in [("T", "2"), ("M", "2000"), ("D", "2000000"), ("L", "2.000000")] {
            let harness = try PipelineHarness(.gunicornAccess) {
                $0.logFormat =
                    "%(h)s %(\(atom))s %({traceparent}i)s %({X-Forwarded-For}i)s %({x}i)s %({a.b}e)s"
            }
            let document = try harness.document("127.0.0.1 \(text) \(id) 192.0.2.7 y z")
            #expect(document["event.duration"] as? Int == 2_000_000_000, "\(atom)")
            #expect(document.string("trace.id") == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(document.string("transaction.id") == "00f067aa0ba902b7")
            #expect(document.string("source.ip") == "192.0.2.7")
            #expect(document["gunicorn.access.remote_ip_list"] as? [String] == ["192.0.2.7", "127.0.0.1"])
            #expect(document.string("gunicorn.access.http_x") == "y")
            #expect(document.string("gunicorn.access.a_b") == "z")
            #expect(document.index.hasPrefix("gunicorn-"))
        }
    }
}
