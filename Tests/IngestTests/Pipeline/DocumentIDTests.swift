import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Document id and index")
struct DocumentIDTests {
    private static let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let log = #""log":{"offset":7,"file":{"path":"/a","identity":"f"}},"agent":{"id":"a"}"#

    private func id(_ members: String, message: String = PipelineTests.line) throws -> String {
        var payload = ByteBuffer()
        payload.append("{\"message\":")
        payload.append(jsonString: message)
        payload.append(members.isEmpty ? "}" : ",\(members)}")
        return try PipelineHarness().process(payload.array).id
    }

    @Test("a line that comes again has the same id, whenever it was read")
    func same() throws {
        let first = try id(Self.log + #","@timestamp":"2026-11-22T10:30:00.000Z""#)
        #expect(try id(#""@timestamp":"2026-11-23T11:31:01.000Z","# + Self.log) == first)
        #expect(first.utf8.count == 20 && first.utf8.allSatisfy(Self.alphabet.contains))
        #expect(first.hasPrefix("awLAV"))
    }

    @Test(
        "another line has another id",
        arguments: [
            Self.log.replacingOccurrences(of: "7", with: "8"),
            Self.log.replacingOccurrences(of: "\"f\"", with: "\"g\""),
            Self.log.replacingOccurrences(of: "\"id\":\"a\"", with: "\"id\":\"b\""),
        ]
    )
    func other(_ members: String) throws {
        #expect(try id(members) != id(Self.log))
        #expect(try id(Self.log, message: PipelineTests.line + " ") != id(Self.log))
    }

    @Test(
        "the file's path and the host's name stand in for what a sender does not know",
        arguments: [#""log":{"offset":7,"file":{"path":"/a"}},"host":{"name":"h"}"#]
    )
    func filebeat(_ members: String) throws {
        #expect(try id(members) == id(members))
    }

    @Test("events without origin get ids that do not repeat, a requested id is taken")
    func random() throws {
        let harness = try PipelineHarness()
        let ids = try (0..<100).map { _ in try harness.process(Array(#"{"message":"x"}"#.utf8)).id }
        #expect(Set(ids).count == 100 && ids.allSatisfy { $0.utf8.count == 20 && !$0.hasPrefix("_") })
        #expect(try id(#""@metadata":{"_id":"order-7"}"#) == "order-7")
        #expect(try id(#""@metadata":{"_id":"_x"}"#).utf8.count == 20)
        #expect(try id(#""@metadata":{"_id":""}"#).utf8.count == 20)
    }

    @Test("no time makes an id begin with an underscore")
    func noUnderscore() throws {
        var id = DocumentID(seed: SipHash.Value(low: 1, high: 2))
        let event = Event(table: try FieldTable())
        let nothing: [UInt8] = []
        for seconds: Int64 in [
            -1, 0, 1, 0x7FFF_FFFF, 0xF7FF_FFFF, 0xF800_0000, 0xFC00_0000, 0xFFFF_FFFF, 9_000_000_000,
        ] {
            let bytes = nothing.span.bytes
            id.make(for: event, time: CalendarTime(seconds: seconds), payload: bytes, line: bytes)
            #expect(!id.text.text.hasPrefix("_") && id.text.count == 20)
        }
    }

    @Test(
        "index prefixes that Elasticsearch would refuse are named",
        arguments: [
            ("nginx", true), ("logs-nginx.access_1", true), ("", false), ("Nginx", false), ("_x", false),
            ("-x", false),
            ("+x", false), (".", false), ("a b", false), ("a/b", false), ("a,b", false), ("a:b", false),
            ("a#b", false),
            ("a*", false), (String(repeating: "x", count: 245), false),
        ]
    )
    func prefixes(_ prefix: String, isGood: Bool) {
        #expect((DailyIndex.problem(withPrefix: prefix) == nil) == isGood)
    }
}
