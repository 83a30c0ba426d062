import Common
import Testing

@testable import Ingest

@Suite("The layout of the last event")
struct EventShapeTests {
    private static let filebeat =
        #"{"@timestamp":"2026-11-22T10:13:41.000Z","@metadata":{"beat":"filebeat","_id":"abc"},"log":{"offset":1234,"file":{"path":"/a.log"}},"message":"GET /a","input":{"type":"log"},"own":{"x":[1,2]},"other":"m","host":{"name":"web"},"agent":{"id":"1","type":"filebeat"}}"#
    private static let shipper =
        #"{"@timestamp":"2026-11-22T10:13:41.000Z","message":"GET /a","log":{"offset":9,"file":{"path":"/a.log","identity":"f0"}},"host":{"name":"web"},"fields":{"team":"a"}}"#

    /// Changes that a shape must follow, or leave to the decoder; each is text and its replacement.
    private static let changes: [(String, String)] = [
        ("", ""), ("GET /a", "GET /a/longer than before"), ("GET /a", ""), ("GET /a", #"say \"hi\" \u00e4"#),
        ("GET /a", "ä€😀"),
        ("GET /a", #"\ud800"#), ("GET /a", #"\x"#), ("GET /a", "tab\there"), (#""GET /a""#, "5"),
        (#""GET /a""#, "{}"), (#""GET /a""#, "null"),
        ("1234", "0"), ("1234", "12345678"), ("1234", "01"), ("1234", "-5"), ("1234", "1e3"), ("1234", "1.5"),
        ("1234", "1234567890123456789012"),
        ("1234", #""7""#), ("2026-11-22T10:13:41.000Z", "2026-11-22T10:13:41Z"),
        (#""2026-11-22T10:13:41.000Z""#, "17"),
        ("web", "db"), ("web", "web2"), ("/a.log", "/b.log"), (#""own""#, #""OWN""#), ("}}", "} }"),
        ("}}", "}"), ("}}", "}}}"), ("}}", "}} "),
        (#""message""#, #""messages""#), (#""host""#, #""message":"twice","host""#),
        (#""_id":"abc""#, #""_id":"xyz""#),
        (#""_id":"abc""#, #""_id":"longer""#), (#""host":{"name":"web"}"#, #""host":"web""#),
        ("{\"@timestamp\"", " {\"@timestamp\""),
    ]

    @Test("an event is the same, whether a layout was known or not", arguments: [filebeat, shipper])
    func sameResult(base: String) throws {
        let texts = Self.changes.map { base.replacing($0.0, with: $0.1, maxReplacements: 1) }
        for first in texts {
            for second in texts {
                guard let expected = Self.decoded(second) else { continue }
                var event = Event(table: try FieldTable())
                var shape = EventShape()
                let bytes = Array(first.utf8)
                if (try? EventDecoder.decode(bytes.span.bytes, into: &event)) == false {
                    shape.learn(bytes.span.bytes, event)
                }
                event.reset()
                let next = Array(second.utf8)
                guard shape.decode(next.span.bytes, into: &event) else { continue }
                #expect(Self.description(event, next) == expected, "\(second) behind \(first)")
            }
        }
    }

    @Test("what is no event by itself is none behind another", arguments: [filebeat, shipper])
    func refused(base: String) throws {
        for (old, new) in Self.changes {
            let text = base.replacing(old, with: new, maxReplacements: 1)
            guard Self.decoded(text) == nil else { continue }
            var event = Event(table: try FieldTable())
            var shape = EventShape()
            let bytes = Array(base.utf8)
            _ = try EventDecoder.decode(bytes.span.bytes, into: &event)
            shape.learn(bytes.span.bytes, event)
            event.reset()
            let next = Array(text.utf8)
            #expect(!shape.decode(next.span.bytes, into: &event), "\(text)")
            #expect(!event.has(.message) && event.members.isEmpty)
        }
    }

    @Test("events that differ in time, message and offset follow the layout", arguments: [filebeat, shipper])
    func followed(base: String) throws {
        var event = Event(table: try FieldTable())
        var shape = EventShape()
        let bytes = Array(base.utf8)
        _ = try EventDecoder.decode(bytes.span.bytes, into: &event)
        shape.learn(bytes.span.bytes, event)
        let next = Array(
            base.replacing("GET /a", with: #"PUT \"/b\""#).replacing(
                #""offset":1234"#,
                with: #""offset":77777"#
            )
            .replacing("41.000Z", with: "42.5Z").utf8
        )
        event.reset()
        #expect(shape.decode(next.span.bytes, into: &event))
        #expect(event.message?.hasEscapes == true)
        event.reset()
        let other = Array(base.replacing("web", with: "wbe").utf8)
        #expect(!shape.decode(other.span.bytes, into: &event))
    }

    /// Nil for what the decoder refuses, or has to mend.
    private static func decoded(_ text: String) -> [String]? {
        guard let table = try? FieldTable() else { return nil }
        var event = Event(table: table)
        let bytes = Array(text.utf8)
        guard (try? EventDecoder.decode(bytes.span.bytes, into: &event)) == false else { return nil }
        return description(event, bytes)
    }

    private static func description(_ event: borrowing Event, _ payload: [UInt8]) -> [String] {
        var document = ByteBuffer()
        DocumentWriter.write(event, payload: payload.span.bytes, line: payload.span.bytes, into: &document)
        var lines = [document.text, "\(event.message as Any)", "\(event.requestedID as Any)"]
        event.forEach { lines.append("\($0) \($1)") }
        lines += event.members.map { "\($0)" }
        return lines
    }
}
