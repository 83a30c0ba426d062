import Testing

@testable import Common
@testable import Ingest

@Suite("Query parameters and fingerprints of clients")
struct VisitorFieldsTests {
    private func line(_ target: String, client: String = "192.0.2.1", agent: String = "curl/8") -> String {
        #"\#(client) - - [22/Nov/2026:10:13:40 +0000] "GET \#(target) HTTP/1.1" 200 6 "-" "\#(agent)""#
    }

    @Test(
        "listed parameters become fields, decoded",
        arguments: [
            ("/s?q=blue+shoes", ["q": ["blue shoes"]]), ("/s?q=a%20b%2Bc", ["q": ["a b+c"]]),
            ("/s?q=1&q=2&page=3&q=%33", ["q": ["1", "2", "3"], "page": ["3"]]),
            ("/s?x=1&Q=2&qq=3", [:]), ("/s?q", ["q": [""]]), ("/s?q=", ["q": [""]]),
            ("/s?&&=&q=a=b&", ["q": ["a=b"]]),
            ("/s?%71=x", ["q": ["x"]]), ("/s?tag[]=a&tag%5B%5D=b", ["tag[]": ["a", "b"]]), ("/s", [:]),
            ("/s?", [:]),
            ("/s?q=%E4%BD%A0", ["q": ["你"]]), ("/s?q=%E4%BD", ["q": ["\u{FFFD}\u{FFFD}"]]),
            ("/s?q=%22%5C%00", ["q": ["\"\\\0"]]),
            ("/s?" + (1...40).map { "q=\($0)" }.joined(separator: "&"), ["q": (1...16).map(String.init)]),
            ("/s?" + String(repeating: "x=1&", count: 256) + "q=late", [:]),
            ("/s?q=" + String(repeating: "é", count: 2000), ["q": [String(repeating: "é", count: 512)]]),
            ("/s?q=" + String(repeating: "%C3%A9", count: 2000), ["q": [String(repeating: "é", count: 512)]]),
        ] as [(String, [String: [String]])]
    )
    func parameters(_ target: String, expected: [String: [String]]) throws {
        let harness = try PipelineHarness { $0.urlParameters = ["q", "page", "tag[]"] }
        // Twice, since counts and memory are used again.
        for _ in 0..<2 {
            let document = try harness.document(line(target))
            #expect(document.tags == [])
            let fields = document["url.params"] as? [String: Any] ?? [:]
            #expect(fields.count == expected.count, "\(fields)")
            for (name, values) in expected {
                #expect(LogVectors.areEqual(fields[name], values), "\(name) \(fields)")
            }
        }
    }

    @Test("all formats of requests have them")
    func formats() throws {
        let rows: [(FormatName, String)] = [
            (.nginxAccess, line("/s?q=1")), (.apache, line("/s?q=1")), (.gunicornAccess, line("/s?q=1")),
            (.nginxIngress, line("/s?q=1") + " 1 0.001 [a] [] 10.0.0.1:80 1 0.001 200 x"),
            (
                .nginxJSON,
                #"{"remote_addr":"192.0.2.1","request":"GET /s?q=1 HTTP/1.1","http_user_agent":"curl/8"}"#
            ),
            (.nginxJSON, #"{"remote_addr":"192.0.2.1","uri":"/s","args":"q=1","ua":"curl/8"}"#),
            (.werkzeug, #"192.0.2.1 - - [22/Nov/2026 10:14:47] "GET /s?q=1 HTTP/1.1" 200 -"#),
            (
                .nginxError,
                #"2026/11/22 10:13:42 [error] 1#1: *1 x, client: 192.0.2.1, request: "GET /s?q=1 HTTP/1.1""#
            ),
        ]
        let key = "0123456789abcdef"
        var values: [String] = []
        for (format, line) in rows {
            let document = try PipelineHarness(format) {
                $0.urlParameters = ["q"]
                $0.clientFingerprintKey = key
            }.document(line)
            #expect(document.string("url.params.q") == "1", "\(format)")
            let value = try #require(document.string("client.fingerprint"), "\(format)")
            #expect(value.utf8.count == 32)
            values.append(value)
        }
        // The logs with a user agent tell the same visitor.
        #expect(Set(values.prefix(6)).count == 1)
        #expect(Set(values.suffix(2)).count == 1)
    }

    @Test("a fingerprint depends on key, address and user agent, and on nothing else")
    func fingerprints() throws {
        func value(_ key: String, _ line: String) throws -> String {
            let harness = try PipelineHarness { $0.clientFingerprintKey = key }
            return try #require(try harness.document(line).string("client.fingerprint"))
        }
        let key = String(repeating: "k", count: 16)
        let first = try value(key, line("/a"))
        #expect(try value(key, line("/b?c=d")) == first)
        #expect(try value(key, line("/a", client: "::ffff:192.0.2.1")) == first)
        #expect(try value(key, line("/a", client: "192.0.2.2")) != first)
        #expect(try value(key, line("/a", agent: "curl/9")) != first)
        #expect(try value(key + "2", line("/a")) != first)
        let harness = try PipelineHarness { $0.clientFingerprintKey = key }
        #expect(try harness.document(line("/a", client: "unix:"))["client.fingerprint"] == nil)
        #expect(try PipelineHarness().document(line("/a?q=1"))["client"] == nil)
    }
}
