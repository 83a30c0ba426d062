import Common
import Testing

@testable import Ingest

@Suite("nginx log_format")
struct NginxLogFormatTests {
    struct Row: Sendable {
        let format: String
        var escape = NginxLogFormat.Escape.default
        let line: String
        /// The values in order; nil when the line does not fit.
        let values: [String]?
    }

    static let rows = [
        Row(format: "$status", line: "200", values: ["200"]),
        Row(format: "${status}x", line: "200x", values: ["200"]),
        Row(format: "$status", line: "20", values: nil),
        Row(format: "$status", line: "2000", values: nil),
        Row(format: "[$status]", line: "[404]", values: ["404"]),
        // A user may hold blanks, brackets and what looks like a time.
        Row(
            format: "$remote_user [$time_local] $status",
            line: "jos [22/Nov/2026:10:13:40 +0000] [é p [22/Nov/2026:10:13:40 +0000] 200",
            values: ["jos [22/Nov/2026:10:13:40 +0000] [é p", "22/Nov/2026:10:13:40 +0000", "200"]
        ),
        // Separators that occur in values come apart by the shapes behind them.
        Row(
            format: "$remote_addr|$request|$status|$body_bytes_sent|$http_user_agent",
            line: "192.0.2.1|GET /a|b|200|x HTTP/1.1|301|17|curl|8",
            values: ["192.0.2.1", "GET /a|b|200|x HTTP/1.1", "301", "17", "curl|8"]
        ),
        Row(
            format: "$request $status",
            escape: .none,
            line: #"GET "a" 200 x 200"#,
            values: [#"GET "a" 200 x"#, "200"]
        ),
        // Inside quotes the quote ends the value, and an escaped one does not.
        Row(format: #""$http_referer" "$http_user_agent""#, line: #""a" "b\"c""#, values: ["a", #"b\"c"#]),
        Row(format: #""$http_referer" "$http_user_agent""#, line: #""a" "b\\""#, values: ["a", #"b\\"#]),
        Row(format: #""$http_referer" "$http_user_agent""#, line: #""a" "b" "c""#, values: nil),
        Row(format: #""$http_referer" "$http_user_agent""#, line: #""" """#, values: ["", ""]),
        // Lists end themselves when nothing is around them.
        Row(
            format: "$upstream_addr $upstream_response_time $upstream_status $request_id",
            line: "10.0.0.1:80, [::1]:80 : unix:/s 0.001, - : 0.2 502, 504 : 200 ab",
            values: ["10.0.0.1:80, [::1]:80 : unix:/s", "0.001, - : 0.2", "502, 504 : 200", "ab"]
        ),
        Row(
            format: #"ua="$upstream_addr" us="$upstream_status""#,
            line: #"ua="-" us="502, 200""#,
            values: ["-", "502, 200"]
        ),
        // Variables without anything between them.
        Row(
            format: "$scheme://$host$request_uri $status",
            line: "https://example.com/a?b 200",
            values: ["https", "example.com", "/a?b", "200"]
        ),
        Row(
            format: #""$uri$is_args$args""#,
            line: #""/a?b=c?d""#,
            values: ["/a", "?", "b=c?d"]
        ),
        Row(format: "$uri$is_args$args", line: "/a", values: ["/a", "", ""]),
        Row(format: "$status$body_bytes_sent", line: "20017", values: ["200", "17"]),
        // Times by their shape.
        Row(
            format: "$time_iso8601 $msec $request_time",
            line: "2026-11-22T10:13:42+00:00 1795342422.275 0.121",
            values: ["2026-11-22T10:13:42+00:00", "1795342422.275", "0.121"]
        ),
        Row(format: "$time_local", line: "22-Nov-2026:10:13:40 +0000", values: nil),
        // With escape=json a missing value is nothing, also a bare number.
        Row(
            format: #"{"s":$status,"u":$upstream_status,"r":"$request","t":$request_time}"#,
            escape: .json,
            line: #"{"s":400,"u":,"r":"a\"b\\","t":0.000}"#,
            values: ["400", "", #"a\"b\\"#, "0.000"]
        ),
        Row(format: "$bytes_sent $request_time", line: "- -", values: ["-", "-"]),
        Row(format: "$bytes_sent $request_time", line: " ", values: nil),
        Row(format: "a$status", line: "", values: nil),
        Row(format: "$request", line: "", values: [""]),
    ]

    @Test("cuts lines", arguments: rows)
    func cuts(_ row: Row) throws {
        var scanner = NginxScanner(format: try NginxLogFormat(row.format, escape: row.escape))
        let bytes = Array(row.line.utf8)
        let failure = scanner.scan(bytes.span.bytes)
        #expect((failure == nil) == (row.values != nil))
        guard let values = row.values, failure == nil else { return }
        #expect(scanner.captures.map { String(decoding: bytes[$0], as: UTF8.self) } == values)
    }

    @Test("says where a line stops to fit")
    func failure() throws {
        var scanner = NginxScanner(format: try NginxLogFormat(NginxLogFormat.combined))
        let line = Array(#"192.0.2.1 - - [22/Nov/2026:10:13:40 +0000] "GET / HTTP/1.1" 2x0 6 "-" "-""#.utf8)
        let failure = scanner.scan(line.span.bytes)
        #expect(failure == NginxScanner.Failure(step: 4, offset: 60))
    }

    @Test(
        "refuses what is no format",
        arguments: [
            ("", 0, .noVariable), ("plain", 0, .noVariable), ("a $ b", 2, .noName), ("${status", 0, .noBrace),
            ("$host$server_name", 5, .nothingBetween),
        ] as [(String, Int, NginxFormatError.Problem)]
    )
    func refuses(_ source: String, offset: Int, problem: NginxFormatError.Problem) {
        #expect(throws: NginxFormatError(offset: offset, problem: problem)) { try NginxLogFormat(source) }
    }

    @Test("time grows with the length of a hostile line, not with its square")
    func linear() throws {
        // Each blank is a place where the request could end, and each is followed by what looks like a list.
        for escape in [NginxLogFormat.Escape.none, .default] {
            let format = try NginxLogFormat(
                "$request $upstream_addr $status $upstream_status|",
                escape: escape
            )
            var scanner = NginxScanner(format: format)
            let line = Array(String(repeating: "a, 200 ", count: 300_000).utf8)
            let failure = scanner.scan(line.span.bytes)
            #expect(failure != nil)
        }
    }
}
