import Foundation
import Testing

@testable import Ingest

/// Every line that nginx itself wrote for friendly and hostile requests (Tests/Fixtures/logs-real/README.md) is
/// understood, in each of three formats at once.
@Suite("Pipeline, lines of a real nginx")
struct PipelineRealLinesTests {
    private static let json =
        #"{"time":"$time_iso8601","remote_addr":"$remote_addr","request":"$request","status":$status,"#
        + #""body_bytes_sent":$body_bytes_sent,"request_time":$request_time,"referer":"$http_referer","#
        + #""user_agent":"$http_user_agent","xff":"$http_x_forwarded_for","#
        + #""upstream_response_time":"$upstream_response_time"}"#

    @Test(
        "are parsed, keep their text and tell request, status and time",
        arguments: [
            ("nginx-access-combined", "combined", .default),
            ("nginx-access-main", "main", .default),
            ("nginx-access-json", json, .json),
        ] as [(String, String, NginxLogFormat.Escape)]
    )
    func parsed(_ name: String, format: String, escape: NginxLogFormat.Escape) throws {
        let harness = try PipelineHarness { configuration in
            configuration.logFormat = format
            configuration.escape = escape
        }
        // Two of the JSON lines are not UTF-8; a shipper repairs them in the same way.
        let text = String(
            decoding: try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs-real/\(name).log"))),
            as: UTF8.self
        )
        let lines = text.split(separator: "\n")
        #expect(lines.count >= 39)
        for (number, line) in lines.enumerated() {
            let document = try harness.document(String(line))
            #expect(document.tags == [], "line \(number + 1): \(document.string("error.message") ?? "")")
            #expect(document.string("event.original") == String(line))
            #expect(document.string("@timestamp")?.hasPrefix("2026-11-22T10:") == true)
            #expect((document["http.response.status_code"] as? Int ?? 0) >= 100)
            // A client that sent nothing (status 400 or 408) asked for nothing.
            let isEmpty = line.contains(#"] "" 4"#) || line.contains(#""request":"","status":4"#)
            #expect((document.string("url.original") == nil) == isEmpty, "line \(number + 1)")
            #expect(document.index == "nginx-2026.11.22")
        }
    }
}
