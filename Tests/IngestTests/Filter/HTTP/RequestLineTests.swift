import Common
import Testing

@testable import Ingest

@Suite("Request line and URL")
struct RequestLineTests {
    @Test(
        "is cut",
        arguments: [
            ("GET / HTTP/1.1", "GET", "/", "1.1"),
            ("GET /sp ace HTTP/1.1", "GET", "/sp ace", "1.1"),
            ("PRI * HTTP/2.0", "PRI", "*", "2.0"),
            ("get /lower HTTP/1.1", "get", "/lower", "1.1"),
            ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*", "1.1"),
            ("GET /v37 HTTP/3.7", "GET", "/v37", "3.7"),
            ("GET /old", "GET", "/old", nil),
            ("GET /a HTTP/abc", "GET", "/a HTTP/abc", nil),
            ("GET http://h:8080/p?q HTTP/1.1", "GET", "http://h:8080/p?q", "1.1"),
            ("hello", nil, "hello", nil),
            ("hello world", nil, "hello world", nil),
            (" GET / HTTP/1.1", nil, " GET / HTTP/1.1", nil),
            ("GET HTTP/1.1", nil, "GET HTTP/1.1", nil),
            ("GET  HTTP/1.1", nil, "GET  HTTP/1.1", nil),
            (#"\x16\x03\x01 / HTTP/1.1"#, nil, #"\x16\x03\x01 / HTTP/1.1"#, nil),
            ("", nil, nil, nil),
        ] as [(String, String?, String?, String?)]
    )
    func cut(_ text: String, method: String?, target: String?, version: String?) {
        let bytes = Array(text.utf8)
        func string(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        let line = RequestLine(bytes.span.bytes, 0..<bytes.count)
        #expect(string(line?.method) == method)
        #expect(string(line?.target) == target)
        #expect(string(line?.version) == version)
    }

    struct URLRow: Sendable {
        let text: String
        var isAuthority = false
        var scheme: String?
        var domain: String?
        var port: Int64?
        var path: String?
        var query: String?
        var fragment: String?
    }

    @Test(
        "URLs come apart, whatever they hold",
        arguments: [
            URLRow(text: "/", path: "/"),
            URLRow(text: "/a?b=c#d", path: "/a", query: "b=c", fragment: "d"),
            URLRow(text: "/a?b?c", path: "/a", query: "b?c"),
            URLRow(text: "/a?", path: "/a"),
            URLRow(text: "//favicon.ico", path: "//favicon.ico"),
            URLRow(text: "*", path: "*"),
            URLRow(text: "?x", query: "x"),
            URLRow(text: "/a:b@c://d", path: "/a:b@c://d"),
            URLRow(
                text: "http://h:8080/p?q#f",
                scheme: "http",
                domain: "h",
                port: 8080,
                path: "/p",
                query: "q",
                fragment: "f"
            ),
            URLRow(text: "HTTPS://user:pw@h", scheme: "HTTPS", domain: "h"),
            URLRow(text: "http://[::1]:80/", scheme: "http", domain: "[::1]", port: 80, path: "/"),
            URLRow(text: "http://h:99999/", scheme: "http", domain: "h:99999", path: "/"),
            URLRow(text: "http:///x", scheme: "http", path: "/x"),
            URLRow(text: "h:443", isAuthority: true, domain: "h", port: 443),
            URLRow(text: "::1", isAuthority: true, domain: "::1"),
            URLRow(text: "h:", isAuthority: true, domain: "h:"),
            URLRow(text: ""),
        ]
    )
    func parts(_ row: URLRow) {
        let bytes = Array(row.text.utf8)
        func string(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        let parts = URLParts(bytes.span.bytes, 0..<bytes.count, isAuthority: row.isAuthority)
        #expect(string(parts.scheme) == row.scheme)
        #expect(string(parts.domain) == row.domain)
        #expect(parts.port == row.port)
        #expect(string(parts.path) == row.path)
        #expect(string(parts.query) == row.query)
        #expect(string(parts.fragment) == row.fragment)
    }

    @Test(
        "percent-encoding is resolved where it is right",
        arguments: [
            ("a%20b", "a b"), ("%C3%BC", "ü"), ("100%", "100%"), ("%zz%1", "%zz%1"), ("%2", "%2"),
            ("%%41", "%A"),
            ("a+b", "a+b"), ("", ""),
        ]
    )
    func percent(_ text: String, expected: String) {
        let bytes = Array(text.utf8)
        var buffer = ByteBuffer()
        buffer.append(percentDecoded: bytes.span.bytes, 0..<bytes.count)
        #expect(buffer.text == expected)
    }
}
