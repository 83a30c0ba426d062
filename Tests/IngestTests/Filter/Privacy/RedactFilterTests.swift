import Common
import Testing

@testable import Ingest

@Suite("Filter redact")
struct RedactFilterTests {
    /// The text with all that the options find replaced by `#`.
    private func redacted(_ options: String, _ text: String, field: String = "message") throws -> String {
        let harness = try FilterHarness(
            "- redact: {fields: [\(field)], replacement: \"#\", \(options)}\n- rename: {fields: {\(field): v}}"
        )
        var json = ByteBuffer()
        let keys = field.split(separator: ".")
        for key in keys { json.append("{\"\(key)\":") }
        json.append(jsonString: text)
        for _ in keys { json.append("}") }
        var result = try #require(harness.run(json.text).first)
        let start = try #require(result.firstRange(of: "\"v\":")).upperBound
        result = String(result[start...])
        let bytes = Array(result.utf8)
        var reader = JSONReader()
        let value = try reader.string(bytes.span.bytes)
        var plain = ByteBuffer()
        plain.append(unescaped: value, of: bytes.span.bytes)
        return plain.text
    }

    @Test(
        "patterns",
        arguments: [
            ("email", "mail a.b+c@mail.example.co.uk, x", "mail #, x"),
            ("email", "<user@example.com>", "<#>"),
            ("email", "/?m=user%40example.com&x=1", "/?m=#&x=1"), ("email", "a@b.com;c@d.org.", "#;#."),
            ("email", "user@localhost git@10.0.0.1 @x.com a@ @", "user@localhost git@10.0.0.1 @x.com a@ @"),
            ("email", "jürgen@müller.de", "#"),
            ("ip", "from 203.0.113.77: [2001:db8::1]:443", "from #: [#]:443"),
            (
                "ip", "v1.2.3.4 1.2.3 10:13:40 std::string 1.2.3.4.5",
                "v1.2.3.4 1.2.3 10:13:40 std::string 1.2.3.4.5"
            ),
            ("ip", "::ffff:192.0.2.1 192.0.2.1:80, ip_10.0.0.1.", "# #:80, ip_#."),
            ("credit_card", "card 4111 1111 1111 1111!", "card #!"),
            ("credit_card", "4111-1111-1111-1111 x", "# x"),
            ("credit_card", "378282246310005 and 5555555555554444", "# and #"),
            ("credit_card", "4111 1111 1111 1111 2023", "# 2023"),
            ("credit_card", "1 4111111111111111", "1 #"),
            (
                "credit_card", "4111111111111112 id4111111111111111 41111111111111110000",
                "4111111111111112 id4111111111111111 41111111111111110000"
            ),
            ("credit_card", "1795342422275000", "1795342422275000"),
            ("bearer_token", "Authorization: Bearer abc.DEF-123_~+/== end", "Authorization: Bearer # end"),
            ("bearer_token", "h=bearer%20abcdefgh&x", "h=bearer%20#&x"),
            ("bearer_token", "the bearer of bad news", "the bearer of bad news"),
            ("bearer_token", "Bearer", "Bearer"), ("bearer_token", "BEARER  12345678", "BEARER  #"),
            (
                "jwt", "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&x",
                "t=#&x"
            ),
            ("jwt", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. end", "# end"),
            ("jwt", "eyJ eyJa.b xeyJa.b.c", "eyJ eyJa.b xeyJa.b.c"),
            ("email, ip", "a@b.de 10.0.0.1", "# #"),
        ]
    )
    func patterns(_ name: String, text: String, expected: String) throws {
        #expect(try redacted("patterns: [\(name)]", text) == expected)
    }

    @Test(
        "query parameters in text and URLs",
        arguments: [
            ("message", "GET /a?token=abc&x=1 HTTP/1.1", "GET /a?token=#&x=1 HTTP/1.1"),
            ("message", "GET /a?x=1&TOKEN=abc HTTP/1.1", "GET /a?x=1&TOKEN=# HTTP/1.1"),
            ("message", "/a?to%6Ben=abc#f", "/a?to%6Ben=##f"),
            ("message", "/a?mytoken=1&token2=2&token=", "/a?mytoken=1&token2=2&token="),
            ("message", #"{"url":"/a?password=x y"}"#, ##"{"url":"/a?password=# y"}"##),
            ("message", "/login?user[password]=geheim&a[token][]=1", "/login?user[password]=#&a[token][]=1"),
            (
                "message", "/r?to=https%3A%2F%2Fx%2F%3Ftoken%3Dabc%26y%3D1&z=2",
                "/r?to=https%3A%2F%2Fx%2F%3Ftoken%3D#%26y%3D1&z=2"
            ),
            ("message", "token=1 token=2;token=3", "token=# token=#"),
            ("message", "=== token === token==x", "=== token === token=#"),
            ("url.original", "/a?token=a b\"c&x=1", "/a?token=#&x=1"),
            ("url.original", "/a?token=x&debug", "/a?token=#&debug"),
            ("url.query", "token=a&b&c=1", "token=#&c=1"),
            ("url.query", "password=x y&token=z", "password=#&token=#"),
        ]
    )
    func parameters(_ field: String, text: String, expected: String) throws {
        #expect(try redacted("parameters: [token, password]", text, field: field) == expected)
    }

    @Test(
        "own patterns",
        arguments: [
            (#"custom: ['sid=[a-f0-9]+']"#, "x sid=12ab y sid=zz", "x # y sid=zz"),
            (#"custom: ['sid=([a-f0-9]+);']"#, "sid=12ab; sid=ff;", "sid=#; sid=#;"),
            (#"custom: ['^a', 'b$']"#, "aa bb", "#a b#"),
        ]
    )
    func custom(_ options: String, text: String, expected: String) throws {
        #expect(try redacted(options, text) == expected)
    }

    @Test("has the fields with what clients sent, and lists, by default")
    func defaults() throws {
        try FilterRow(
            "- redact: {parameters: [key]}",
            #"{"message":"?key=1","event":{"original":"?key=2 x"},"url":{"original":"?key=3","query":"key=4"},"http":{"request":{"referrer":"/?key=5"}},"other":"?key=6"}"#,
            #"{"message":"?key=REDACTED","event":{"original":"?key=REDACTED x"},"url":{"original":"?key=REDACTED","query":"key=REDACTED"},"http":{"request":{"referrer":"/?key=REDACTED"}},"other":"?key=6"}"#
        ).check()
        try FilterRow(
            "- redact: {fields: l, patterns: ip}",
            #"{"l":["1.2.3.4",5,"x"]}"#,
            #"{"l":["REDACTED",5,"x"]}"#
        ).check()
    }

    @Test(
        "finds secrets behind a lot of text, and gives up on no text",
        arguments: ["@", "%40", "=", "1 ", "eyJ.", "bearer ", ":", "&token%3D", "a@b", "é"]
    )
    func hostile(_ unit: String) throws {
        let noise = String(repeating: unit, count: (128 << 10) / unit.utf8.count)
        let began = Clock.monotonic
        let result = try redacted(
            "patterns: [email, ip, credit_card, bearer_token, jwt], parameters: [token], custom: ['secret-\\d+']",
            noise + "\n secret-42 10.1.2.3"
        )
        #expect(result.hasSuffix("\n # #"))
        #expect(Clock.monotonic - began < 15_000_000_000)
    }

    @Test("a pattern that takes too long redacts all")
    func givesUp() throws {
        let text = String(repeating: "a", count: 60_000) + "!"
        let result = try FilterHarness("- redact: {fields: m, custom: ['(a+)+$']}").run(#"{"m":"\#(text)"}"#)
        #expect(result[0].hasPrefix(#"{"m":"REDACTED","tags":["_regexfailure"]"#))
    }

    @Test(
        "complains",
        arguments: [
            ("- redact: {}", "say what to redact"),
            ("- redact: {patterns: [mail]}", "there is no pattern \"mail\""),
            ("- redact: {custom: ['(']}", "does not compile"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        #expect(FilterHarness.complaints(filters).contains(expected))
    }
}
