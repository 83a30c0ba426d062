import Common
import Testing

@testable import APMServer

/// Keys of roll-ups, seen in the documents that are made of them.
@Suite("Keys of roll-ups")
struct RollUpKeyTests {
    @Test(
        "become the documents that Elastic's server makes",
        arguments: ["rollup_transactions", "rollup_service_transaction"]
    )
    func vector(_ name: String) throws {
        let expected = try JSONTree(try IntakeFixture.bytes("apm/\(name).expected.json"))
        var actual = try DocumentRun(try IntakeFixture.bytes("apm/\(name).ndjson")).rollUpDocuments()
        for request in expected["more_requests"]?.elements ?? [] {
            actual += try DocumentRun(Array((request["body"]?.text ?? "").utf8)).rollUpDocuments()
        }
        for document in expected["docs"]?.elements ?? [] {
            let tree = (document["doc"] ?? .null).normalized
            let stream = document["data_stream"]?.text
            let candidates = actual.filter { $0.dataStream == stream }
                .map { tree.differences(from: $0.tree.normalized) }
            let nearest = candidates.min { $0.count < $1.count }
            #expect(nearest == [], "\(name), \(stream ?? "")")
        }
    }

    private static let metadata =
        #"{"metadata":{"service":{"name":"a","version":"1","environment":"e","agent":{"name":"go","version":"2"},"#
        + #""language":{"name":"go","version":"3"}},"labels":{"m":"x","n":1}}}"#
    private static let span =
        #""id":"s","trace_id":"t","parent_id":"p","name":"n","type":"db","duration":2.5,"timestamp":60000000"#
    private static let transaction =
        #""id":"x","trace_id":"t","type":"request","duration":1,"timestamp":60000000,"span_count":{"started":0}"#

    /// A row: what it is, the event, then for each document of one kind and minute the values at some paths.
    static let rows: [(String, String, String, [[String: String]])] = [
        (
            "a span without a destination has none", #"{"span":{\#(span)}}"#, "service_destination", []
        ),
        (
            "a span's resource and inferred target",
            #"{"span":{\#(span),"context":{"destination":{"service":{"resource":"pg/db"}},"tags":{"t":"y"}}}}"#,
            "service_destination",
            [
                [
                    "service.target": #"{"type":"pg","name":"db"}"#, "span.name": #""n""#,
                    "span.destination.service.resource": #""pg/db""#, "event.outcome": #""unknown""#,
                    "span.destination.service.response_time.count": "1",
                    "span.destination.service.response_time.sum.us": "2500",
                    "labels": #"{"m":"x"}"#, "numeric_labels": #"{"n":1}"#, "agent": #"{"name":"go"}"#,
                    "service.name": #""a""#, "service.environment": #""e""#, "service.version": "",
                    "service.language": #"{"name":"go"}"#,
                ]
            ]
        ),
        (
            "a composite counts its spans, weighted",
            #"{"span":{\#(span),"sample_rate":0.5,"composite":{"compression_strategy":"same_kind","count":3,"sum":6},"#
                + #""context":{"service":{"target":{"type":"x"}}}}}"#,
            "service_destination",
            [
                [
                    "service.target": #"{"type":"x"}"#, "span.destination.service.resource": "",
                    "span.destination.service.response_time.count": "6",
                    "span.destination.service.response_time.sum.us": "12000",
                ]
            ]
        ),
        (
            "a span that stands for none is not counted",
            #"{"span":{\#(span),"sample_rate":0,"context":{"destination":{"service":{"resource":"r"}}}}}"#,
            "service_destination", []
        ),
        (
            "statistics of dropped spans",
            #"{"transaction":{\#(transaction),"sample_rate":0.25,"dropped_spans_stats":[{"outcome":"success","#
                + #""destination_service_resource":"r","service_target_type":"t","service_target_name":"n","#
                + #""duration":{"count":2,"sum":{"us":10}}}]}}"#,
            "service_destination",
            [
                [
                    "service.target": #"{"type":"t","name":"n"}"#, "span.name": "",
                    "span.destination.service.resource": #""r""#, "event.outcome": #""success""#,
                    "span.destination.service.response_time.count": "8",
                    "span.destination.service.response_time.sum.us": "40",
                ]
            ]
        ),
        (
            "values after overrides",
            #"{"transaction":{\#(transaction),"outcome":"failure","context":{"service":{"name":"b","agent":{"name":"x"},"#
                + #""language":{"version":"9"}}}}}"#,
            "transaction",
            [
                [
                    "service.name": #""b""#, "service.version": "", "agent.name": #""x""#,
                    "service.language": #"{"name":"go","version":"9"}"#, "transaction.root": "true",
                    "event.outcome": #""failure""#, "event.success_count.sum": "0",
                ]
            ]
        ),
        (
            "an unsampled transaction counts",
            #"{"transaction":{\#(transaction),"sampled":false,"parent_id":"p","result":"r"}}"#,
            "transaction",
            [["transaction.root": "", "transaction.result": #""r""#, "_doc_count": "1"]]
        ),
        (
            "labels of browsers are no dimensions",
            #"{"transaction":{\#(transaction),"context":{"service":{"agent":{"name":"rum-js"}}}}}"#,
            "service_transaction",
            [["labels": "", "numeric_labels": "", "transaction.type": #""request""#]]
        ),
        (
            "labels that the event overrides are the metadata's no more",
            #"{"transaction":{\#(transaction),"context":{"tags":{"m":"y","other":"z"}}}}"#,
            "service_transaction",
            [["labels": "", "numeric_labels": #"{"n":1}"#]]
        ),
        (
            "labels of an event leave the metadata's alone, whatever their type",
            #"{"span":{\#(span),"context":{"tags":{"n":"y","\u006d":null},"destination":{"service":{"resource":"r"}}}}}"#,
            "service_destination",
            [["labels": #"{"m":"x"}"#, "numeric_labels": #"{"n":1}"#]]
        ),
        (
            "a label whose name is escaped overrides as well",
            #"{"transaction":{\#(transaction),"context":{"tags":{"\u006d":"y"}}}}"#,
            "transaction",
            [["labels": "", "numeric_labels": #"{"n":1}"#]]
        ),
        (
            "a function's name and trigger",
            #"{"transaction":{\#(transaction),"faas":{"name":"f","execution":"e","coldstart":true,"trigger":{"type":"h"}}}}"#,
            "transaction",
            [["faas": #"{"name":"f","coldstart":true,"trigger":{"type":"h"}}"#]]
        ),
        (
            "errors tell of their service",
            #"{"error":{"id":"e","timestamp":60000000,"log":{"message":"m"}}}"#,
            "service_summary",
            [
                [
                    "service": #"{"name":"a","environment":"e","language":{"name":"go"}}"#,
                    "@timestamp": #""1970-01-01T00:01:00.000Z""#,
                ]
            ]
        ),
    ]

    @Test("hold what the tables of roll-ups list", arguments: rows)
    func key(_ name: String, event: String, kind: String, expected: [[String: String]]) throws {
        let run = try DocumentRun(Self.metadata, event)
        #expect(run.errors.isEmpty)
        let documents = try run.rollUpDocuments().filter { $0.dataStream == "metrics-apm.\(kind).1m-default" }
        try #require(documents.count == expected.count)
        for (document, paths) in zip(documents, expected) {
            for (path, value) in paths {
                let wanted = value.isEmpty ? nil : try JSONTree(value)
                #expect(document.tree[path] == wanted, "\(path)")
            }
        }
    }

    @Test("leave out labels that are too large for a dimension", arguments: [(8, true), (9, false)])
    func largeLabels(kibibytes: Int, isThere: Bool) throws {
        let labels = (0..<kibibytes).map { #""l\#($0)":"\#(String(repeating: "x", count: 1000))""# }
        let metadata = Self.metadata.replacing(#""m":"x","n":1"#, with: labels.joined(separator: ","))
        let documents = try DocumentRun(Array("\(metadata)\n{\"transaction\":{\(Self.transaction)}}\n".utf8))
            .rollUpDocuments()
        #expect(documents.count == 9)
        #expect(documents.allSatisfy { ($0.tree["labels"] != nil) == isThere })
    }

    @Test("count at most 128 statistics of dropped spans")
    func droppedSpans() throws {
        let statistics = (0..<200).map {
            #"{"outcome":"success","destination_service_resource":"r\#($0)","duration":{"count":1,"sum":{"us":1}}}"#
        }
        let event =
            #"{"transaction":{\#(Self.transaction),"dropped_spans_stats":[\#(statistics.joined(separator: ","))]}}"#
        let streams = try DocumentRun(Self.metadata, event).rollUpDocuments().map(\.dataStream)
        #expect(streams.filter { $0 == "metrics-apm.service_destination.1m-default" }.count == 128)
    }
}
