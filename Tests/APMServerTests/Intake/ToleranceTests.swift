import Common
import Testing

@testable import APMServer

@Suite("What the decoder tolerates")
struct ToleranceTests {
    @Test("the type is the text between the first quote and its match", arguments: typedLines)
    func types(line: String, expected: Decoded) {
        var decoder = EventDecoder()
        var fields = EventFields()
        #expect(decoder.decode(line, into: &fields) == expected)
    }

    private static let typedLines: [(String, Decoded)] = [
        (ValidLine.metadata, .metadata(.v2)),
        (ValidLine.rumMetadata, .metadata(.v3)),
        (ValidLine.transaction, .event(.transaction)),
        (ValidLine.span, .event(.span)),
        (ValidLine.error, .event(.error)),
        (ValidLine.metricset, .event(.metricset)),
        (ValidLine.log, .event(.log)),
        (ValidLine.rumTransaction, .event(.rumTransaction)),
        (ValidLine.rumError, .event(.rumError)),
        ("  \t" + ValidLine.log + "  ` anything", .event(.log)),
        (ValidLine.log.replacing(":", with: " : "), .event(.log)),
        (#"{"tennis-court":{"name":1}}"#, .refused(.type, #"did not recognize object type: "tennis-court""#)),
        ("{'log': 1", .refused(.decode, "decode error: data read error: unexpected byte at byte 1")),
        (#"{"a'b":1}"#, .refused(.type, #"did not recognize object type: "a'b""#)),
        (#"{"log"#, .refused(.type, #"did not recognize object type: """#)),
        ("{}", .refused(.type, #"did not recognize object type: """#)),
        ("", .refused(.type, #"did not recognize object type: """#)),
        (#"{"Log":{"message":"a"}}"#, .refused(.type, #"did not recognize object type: "Log""#)),
    ]

    @Test(
        "only metadata is taken as metadata, and only once",
        arguments: [
            ValidLine.transaction, #"{"not": "metadata"}"#, "", "{}", "nonsense",
        ]
    )
    func noMetadata(line: String) {
        var decoder = EventDecoder()
        var fields = EventFields()
        let line = Array(line.utf8)
        #expect(throws: IntakeError(.metadata, #""metadata" or "m" required"#)) {
            try decoder.metadata(line.span.bytes, into: &fields)
        }
        let metadata = Array(ValidLine.metadata.utf8)
        #expect(throws: IntakeError(.type, #"did not recognize object type: "metadata""#)) {
            try decoder.event(metadata.span.bytes, into: &fields)
        }
    }

    @Test(
        "members that are taken",
        arguments: [
            #""unknown":{"a":[1,{"b":null}],"c":"é"}"#,
            #""name":null,"sampled":null,"context":null,"links":null,"marks":null,"outcome":null,"timestamp":null"#,
            #""outcome":"""#, #""outcome":"success""#, #""outcome":"\u0073uccess""#,
            #""timestamp":0"#, #""timestamp":-1"#, #""timestamp":1496170422281000"#,
            #""timestamp":"2022-09-08T13:47:29.111-0800""#, #""timestamp":"2022-09-08T13:47:29Z""#,
            #""timestamp":"2022-09-08T13:47:29+07""#, #""timestamp":"2022-09-08T13:47:29.111222333+07:00""#,
            #""duration":1E+2"#, #""duration":0"#, #""duration":-0.0"#, #""duration":10.434000000000001"#,
            #""context":{"request":{}}"#, #""context":{"request":{"headers":{},"unknown":1,"url":{}}}"#,
            #""context":{"request":{"method":""}}"#,
            #""context":{"request":{"method":"GET","headers":{"a":["b","c"],"d":"","e":[]}}}"#,
            #""context":{"request":{"method":"GET","body":{"a":1}}}"#,
            #""context":{"request":{"method":"GET","url":{"port":8080}}}"#,
            #""context":{"request":{"method":"GET","url":{"port":"8080"}}}"#,
            #""context":{"user":{"id":42}}"#, #""context":{"user":{"id":"42"}}"#,
            #""context":{"tags":{"a":null,"b":1.5,"c":"","d":false,"a*b":"x","":1}}"#,
            #""context":{"service":{"agent":{},"language":{"version":"1"},"target":{},"name":""}}"#,
            #""experience":{"cls":0,"fid":null}"#, #""session":{}"#, #""faas":{"coldstart":true}"#,
            #""dropped_spans_stats":[{},null]"#, #""links":[]"#, #""marks":{"a":{"b":1,"c":null},"d":null}"#,
        ]
    )
    func members(member: String) {
        #expect(refusal(of: ValidLine.adding(member, to: ValidLine.transaction)) == nil)
    }

    @Test("keys match exactly first, then in any case, escaped or not")
    func keys() {
        var decoder = EventDecoder()
        var fields = EventFields()
        let rows: [(String, String)] = [
            (#""NAME":"a""#, "a"), (#""Name":"a""#, "a"), (#""n\u0061me":"a""#, "a"),
            (#""N\u0041ME":"a""#, "a"),
            (#""names":"b","nam":"b","name":"a""#, "a"), (#""n_me":"b""#, ""),
            (#""name":"a","dropped_spans_statS":[{}],"DROPPED_SPANS_STATS":[]"#, "a"),
        ]
        for (member, expected) in rows {
            let line = Array(ValidLine.adding(member, to: ValidLine.transaction).utf8)
            #expect(decoder.decode(line, into: &fields) == .event(.transaction))
            #expect(fields[.name].string(line.span.bytes) == expected)
        }
    }

    @Test(
        "strings are measured in code points of what they say",
        arguments: [
            ("a", 1024), ("é", 1024), ("😀", 1024), (#"\n"#, 1024), (#"\u00e9"#, 1024),
            (#"\ud83d\ude00"#, 1024),
            (#"\ud83d"#, 1024),
        ]
    )
    func limit(unit: String, limit: Int) {
        let line = { (count: Int) in
            let text = String(repeating: unit, count: count)
            return ValidLine.adding("\"name\":\"\(text)\"", to: ValidLine.transaction)
        }
        #expect(refusal(of: line(limit)) == nil)
        #expect(
            refusal(of: line(limit + 1))
                == "validation error: transaction: 'name': validation rule 'maxLength(1024)' violated"
        )
    }

    @Test("strings without a limit have none")
    func unlimited() {
        let text = String(repeating: "x", count: 100_000)
        let member = "\"context\":{\"db\":{\"statement\":\"\(text)\"}}"
        #expect(refusal(of: ValidLine.adding(member, to: ValidLine.span)) == nil)
    }

    @Test("half a surrogate pair is noticed, and fields fit the repaired line")
    func surrogates() {
        var decoder = EventDecoder()
        var fields = EventFields()
        for (name, isLone) in [(#"a\ud83db"#, true), (#"\ud83d\ude00"#, false), ("b", false)] {
            let line = Array(ValidLine.adding("\"name\":\"\(name)\"", to: ValidLine.transaction).utf8)
            #expect(decoder.decode(line, into: &fields) == .event(.transaction))
            #expect(decoder.hasLoneSurrogate == isLone)
            var repaired = ByteBuffer()
            repaired.append(repairingSurrogates: line.span.bytes)
            let expected = isLone ? #"a\ufffdb"# : name
            #expect(repaired.withSpan { $0.text(fields[.name].range) } == expected)
        }
    }
}
