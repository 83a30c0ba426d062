import Testing

@testable import APMServer

@Suite("Lines that do not decode")
struct DecodeErrorTests {
    @Test("say which value is wrong, and where", arguments: rows)
    func messages(member: String, message: String) {
        let line = ValidLine.adding(member, to: ValidLine.transaction)
        let prefix = "decode error: data read error: \(message) at byte "
        #expect(refusal(of: line)?.hasPrefix(prefix) == true)
    }

    @Test("count bytes from the start of the line")
    func offset() {
        #expect(
            refusal(of: #"{ "span": {"id":  12345}}"#)
                == "decode error: data read error: span.id: expected a string at byte 18"
        )
        #expect(
            refusal(of: #"{"metadata": {"invalid-json"}}"#)
                == "decode error: data read error: metadata: unexpected byte at byte 28"
        )
    }

    private static let rows: [(String, String)] =
        [
            (#""id":7"#, "transaction.id: expected a string"),
            (#""duration":"7""#, "transaction.duration: expected a number"),
            (#""duration":1e999"#, "transaction.duration: expected a number that a double can hold"),
            (#""sampled":1"#, "transaction.sampled: expected true or false"),
            (#""outcome":true"#, "transaction.outcome: expected a string"),
            (#""timestamp":1.5"#, "transaction.timestamp: expected integer microseconds or an RFC 3339 time"),
            (
                #""timestamp":"now""#,
                "transaction.timestamp: expected integer microseconds or an RFC 3339 time"
            ),
            (#""timestamp":{}"#, "transaction.timestamp: expected integer microseconds or an RFC 3339 time"),
            (#""span_count":[]"#, "transaction.span_count: expected an object"),
            (#""span_count":{"started":1.0}"#, "transaction.span_count.started: expected an integer"),
            (#""span_count":{"started":1e3}"#, "transaction.span_count.started: expected an integer"),
            (
                #""span_count":{"started":9223372036854775808}"#,
                "transaction.span_count.started: expected an integer"
            ),
            (#""links":{}"#, "transaction.links: expected an array"),
            (#""links":[1]"#, "transaction.links: expected an object"),
            (#""links":[{"trace_id":1}]"#, "transaction.links.trace_id: expected a string"),
            (#""marks":{"a":{"b":"1"}}"#, "transaction.marks: expected a number"),
            (#""marks":{"a":1}"#, "transaction.marks: expected an object"),
            (#""context":{"tags":[]}"#, "transaction.context.tags: expected an object"),
            (#""context":{"custom":"x"}"#, "transaction.context.custom: expected an object"),
            (
                #""context":{"request":{"headers":{"a":null}}}"#,
                "transaction.context.request.headers: expected a string or an array of strings"
            ),
            (
                #""context":{"request":{"headers":{"a":1}}}"#,
                "transaction.context.request.headers: expected a string or an array of strings"
            ),
            (
                #""context":{"request":{"headers":{"a":["b",null]}}}"#,
                "transaction.context.request.headers: expected a string"
            ),
        ]

    @Test(
        "are refused when they are no JSON",
        arguments: [
            #"{"transaction":"#, #"{"transaction":{"id":"1"}"#, #"{"transaction" {}}"#, #""transaction""#,
            #"{'transaction': {"id":"1"}}"#, #"["transaction"]"#, #"{"transaction":{"id":"1",}}"#,
            #"{"transaction":{"id":"\x"}}"#, #"{"transaction":{"id":tru}}"#,
            #"{"transaction":{"duration":01}}"#,
            "{\"transaction\":{\"id\":\"a\u{01}b\"}}",
        ]
    )
    func syntax(line: String) {
        #expect(refusal(of: line)?.hasPrefix("decode error: data read error: ") == true)
    }

    @Test("are refused when they are not UTF-8")
    func encoding() {
        var decoder = EventDecoder()
        var fields = EventFields()
        for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            for member in ["name", "unknown"] {
                let line = Array("{\"transaction\":{\"\(member)\":\"".utf8) + bytes + Array(#""}}"#.utf8)
                let message = decoder.decode(line, into: &fields).message
                #expect(message?.contains("not valid UTF-8 at byte") == true)
            }
        }
    }

    @Test(
        "are refused when they nest too deeply, wherever that is",
        arguments: [
            "custom", "unknown", "service", "context",
        ]
    )
    func depth(key: String) {
        let member = { (depth: Int) in
            let inner =
                String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
            return ValidLine.adding("\"context\":{\"\(key)\":\(inner)}", to: ValidLine.transaction)
        }
        #expect(refusal(of: member(50)) == nil)
        #expect(refusal(of: member(100))?.contains("nested too deeply") == true)
    }

    @Test("causes of causes nest as deeply as everything else")
    func causes() {
        let line = { (depth: Int) in
            let start = String(repeating: #"{"type":"E","cause":["#, count: depth)
            let end = String(repeating: "]}", count: depth)
            return #"{"error":{"id":"1","exception":"# + start + #"{"type":"E"}"# + end + "}}"
        }
        #expect(refusal(of: line(20)) == nil)
        #expect(refusal(of: line(40))?.contains("nested too deeply") == true)
        #expect(refusal(of: line(10_000))?.contains("nested too deeply") == true)
    }
}
