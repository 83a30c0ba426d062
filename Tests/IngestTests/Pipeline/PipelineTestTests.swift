import Common
import Testing

@testable import Ingest

@Suite("tests in a pipeline's file")
struct PipelineTestTests {
    @Test(
        "values are equal when Elasticsearch takes them for the same",
        arguments: [
            ("1", "1.0", true), ("1", "2", false), ("1", #""1""#, false), (#""a""#, #"["a"]"#, true),
            (#"["a"]"#, #""a""#, true), (#"["a","b"]"#, #""a""#, false),
            (#"["a","b"]"#, #"["b","a"]"#, false),
            (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, true), (#"{"a":1}"#, #"{"a":1,"b":2}"#, false),
            (#""\u00e4""#, #""ä""#, true), ("true", "false", false), ("null", "null", true),
            ("null", "0", false),
        ]
    )
    func equality(left: String, right: String, expected: Bool) {
        #expect(JSONEquality.areEqual(Array(left.utf8), Array(right.utf8)) == expected)
    }

    @Test("a test says what differs, and nothing when all is as expected")
    func differences() throws {
        let (tests, pipeline) = try Self.pipeline(
            """
            filters:
              - set: {fields: {labels.n: 5, labels.list: [a, b]}}
            tests:
              - name: right
                input: x
                expect: {labels.n: 5, labels: {list: [a, b]}, message: x}
                absent: [user.name]
              - name: wrong
                input: x
                expect: {labels.n: 6, user.name: me}
                absent: [labels.list]
              - name: at a time
                input: x
                read_at: 2026-01-02T03:04:05Z
                expect: {"@timestamp": "2026-01-02T03:04:05.000Z"}
              - name: none
                input: x
                dropped: true
            """
        )
        #expect(tests.map(\.name) == ["right", "wrong", "at a time", "none"])
        #expect(tests[0].differences(pipeline) == [])
        #expect(
            tests[1].differences(pipeline) == [
                "labels.n: expected 6, found 5", #"user.name: expected "me", found nothing"#,
                #"labels.list: expected nothing, found ["a","b"]"#,
            ]
        )
        #expect(tests[2].differences(pipeline) == [])
        #expect(tests[3].differences(pipeline) == ["expected no document, found one document"])
    }

    @Test("an event with more values than filters take is kept, with a reason, and the next is as always")
    func tooManyFields() throws {
        let (_, pipeline) = try Self.pipeline("filters: [{set: {fields: {a: 1}}}]")
        let huge =
            #"{"message":"m","x":{"# + (0..<Record.maxValues).map { "\"k\($0)\":1" }.joined(separator: ",")
            + "}}"
        let kept = Self.documents(huge, pipeline)
        #expect(kept.count == 1)
        #expect(
            kept[0].contains("_eventtoolarge") && kept[0].contains("event") && kept[0].utf8.count < 100_000
        )
        #expect(Self.documents(#"{"message":"m"}"#, pipeline)[0].contains(#""a":1"#))
    }

    private static func documents(_ payload: String, _ pipeline: Pipeline) -> [String] {
        var documents: [String] = []
        let bytes = Array(payload.utf8)
        pipeline.forEachDocument(of: bytes.span.bytes, receivedAt: Clock.now) { _, _, write in
            var text = ByteBuffer()
            write(&text)
            documents.append(text.withSpan { $0.text(0..<$0.byteCount) })
        }
        return documents
    }

    private static func pipeline(_ yaml: String) throws -> ([PipelineTest], Pipeline) {
        let reader = try ConfigurationReader.parse(Array(yaml.utf8), source: "test.yml")
        let configuration = PipelineConfiguration(name: "test", reader)
        try reader.finish()
        let databases = EnrichmentDatabases(
            EnrichmentConfiguration(try ConfigurationReader.parse([], source: "none"))
        )
        let plan = try PipelinePlan([configuration], databases: databases, metrics: Metrics())
        return (configuration.tests, try plan.pipelines()[0])
    }
}
