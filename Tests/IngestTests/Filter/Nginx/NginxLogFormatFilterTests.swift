import Testing

@testable import Ingest

@Suite("Filter nginx_log_format")
struct NginxLogFormatFilterTests {
    private static let line =
        #"203.0.113.9 - - [22/Nov/2026:10:13:40 +0000] \"GET /a?b=1 HTTP/1.1\" 200 5 \"-\" \"curl/8\""#

    @Test("adds the fields of a line to what is there")
    func adds() throws {
        let result = try FilterHarness("- nginx_log_format: {}\n  remove_field: [message]").run(
            #"{"message":"\#(Self.line)","http":{"x":1},"@timestamp":"2026-11-22T10:30:00.000Z"}"#
        )
        #expect(
            result == [
                #"{"http":{"x":1,"request":{"method":"GET"},"response":{"body":{"bytes":5},"status_code":200},"version":"1.1"},"#
                    + #""@timestamp":"2026-11-22T10:13:40.000Z","event":{"category":["web"],"outcome":"success","type":["access"]},"#
                    + #""nginx":{"access":{"remote_ip_list":["203.0.113.9"]}},"related":{"ip":["203.0.113.9"]},"#
                    + #""source":{"address":"203.0.113.9","ip":"203.0.113.9"},"url":{"original":"/a?b=1","path":"/a","query":"b=1"},"#
                    + #""user_agent":{"original":"curl/8"}}"#
            ]
        )
    }

    @Test(
        "own formats and escapes",
        arguments: [
            FilterRow(
                "- nginx_log_format: {field: m, log_format: '$status $my_name'}\n  remove_field: [m, event]",
                #"{"m":"404 x"}"#,
                #"{"http":{"response":{"status_code":404}},"nginx":{"access":{"my_name":"x"}}}"#
            ),
            FilterRow(
                "- nginx_log_format: {field: m, log_format: '{\"a\":\"$http_referer\"}', escape: json}\n  remove_field: [m, event]",
                #"{"m":"{\"a\":\"x\\\"y\\u00fc\"}"}"#,
                #"{"http":{"request":{"referrer":"x\"yü"}}}"#
            ),
        ]
    )
    func formats(_ row: FilterRow) throws { try row.check() }

    @Test("believes proxies that it is told to trust")
    func proxies() throws {
        let harness = try FilterHarness(
            "- nginx_log_format: {field: m, log_format: '$remote_addr \"$http_x_forwarded_for\"', trusted_proxies: [198.51.100.0/24]}"
        )
        #expect(try harness.run(#"{"m":"198.51.100.7 \"192.0.2.1\""}"#)[0].contains(#""ip":"192.0.2.1""#))
        #expect(try harness.run(#"{"m":"10.0.0.1 \"192.0.2.1\""}"#)[0].contains(#""ip":"10.0.0.1""#))
    }

    @Test("a line of another form stays as it is, tagged")
    func fails() throws {
        try FilterRow(
            "- nginx_log_format: {}",
            #"{"message":"hello"}"#,
            #"{"message":"hello","tags":["_nginxparsefailure"],"error":{"message":"log_format does not match at byte 0 of the line, at $remote_addr"}}"#
        ).check()
        let harness = try FilterHarness("- nginx_log_format: {}")
        #expect(try harness.run(#"{"message":{"a":1}}"#)[0].contains("message is no text"))
        let bad = try harness.run(#"{"message":"\#(Self.line.replacing("22/Nov", with: "99/Nov"))"}"#)[0]
        #expect(bad.contains("_dateparsefailure") && bad.contains(#""status_code":200"#))
    }

    @Test(
        "complains",
        arguments: [
            ("- nginx_log_format: {log_format: '$host$server_name'}", "log_format: "),
            ("- nginx_log_format: {trusted_proxies: [x]}", "x is no address"),
            ("- nginx_log_format: {escape: x}", "not a choice"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        let text = FilterHarness.complaints(filters)
        #expect(text.contains(expected), "\(text)")
    }
}
