import Common
import Testing

@testable import APMServer

@Suite("Metricsets")
struct MetricsetMapperTests {
    @Test(
        "write samples under their names",
        arguments: [
            (#""a.b":{"value":1.5},"c":{"value":-2,"type":"gauge","unit":"byte"}"#, #"{"a.b":1.5,"c":-2}"#),
            (
                #""h":{"type":"histogram","values":[0.5,2.50],"counts":[3,0]}"#,
                #"{"h":{"values":[0.5,2.5],"counts":[3,0]}}"#
            ),
            (#""h":{"values":[1],"counts":[3]},"s":{"type":"summary","value":6.5}"#, #"{"h":0,"s":6.5}"#),
            (#""n":{"type":"histogram","value":7}"#, #"{"n":7}"#),
            (#""a":{"value":1},"a":{"value":2}"#, #"{"a":1}"#),
            // Members of every document, and a name that stores refuse.
            (#""host":{"value":1},"labels":{"value":1}," ":{"value":1},"x":{"value":1}"#, #"{"x":1}"#),
        ]
    )
    func samples(_ samples: String, expected: String) throws {
        let run = try run(#""samples":{\#(samples)}"#)
        let document = try #require(run.documents.first?.tree)
        guard case .object(let members) = document, case .object(let wanted) = try JSONTree(expected) else {
            Issue.record("no object")
            return
        }
        let common: Set = [
            "@timestamp", "processor", "data_stream", "observer", "host", "agent", "service", "metricset",
        ]
        #expect(members.filter { !common.contains($0.key) } == wanted)
        #expect(document["metricset"] == (try JSONTree(#"{"name":"app"}"#)))
    }

    @Test("leave histograms to the pipelines of a store that has templates of its own")
    func builtInTemplates() throws {
        let samples =
            #""n":{"value":1},"h":{"type":"histogram","values":[0.5],"counts":[3]},"#
            + #""host":{"type":"histogram","values":[1],"counts":[1]}"#
        let store = StoreTraits(hasBuiltInTemplates: true)
        let document = try #require(try run(#""samples":{\#(samples)}"#, store: store).documents.first?.tree)
        #expect(
            document["metricset"]
                == (try JSONTree(
                    #"{"name":"app","samples":[{"name":"h","type":"histogram","values":[0.5],"counts":[3]}]}"#
                ))
        )
        #expect(document["n"] == (try JSONTree("1")))
        #expect(document["h"] == nil)
        let numbers = try #require(
            try run(#""samples":{"n":{"value":1}}"#, store: store).documents.first?.tree
        )
        #expect(numbers["metricset"] == (try JSONTree(#"{"name":"app"}"#)))
    }

    @Test(
        "go where their samples, transaction and service say",
        arguments: [
            (#""samples":{"a":{"value":1}}"#, "metrics-apm.app.my_service-default"),
            (
                #""samples":{"system.memory.total":{"value":1},"jvm.gc.time":{"value":1}}"#,
                "metrics-apm.internal-default"
            ),
            (
                #""samples":{"system.memory.total":{"value":1},"a":{"value":1}}"#,
                "metrics-apm.app.my_service-default"
            ),
            (#""samples":{"a":{"value":1}},"span":{"type":"db"}"#, "metrics-apm.internal-default"),
            (#""samples":{"a":{"value":1}},"service":{"name":"O ther"}"#, "metrics-apm.app.o_ther-default"),
        ]
    )
    func routes(_ members: String, dataStream: String) throws {
        #expect(try run(members).documents.map(\.dataStream) == [dataStream])
    }

    @Test("take their service and function from the event")
    func event() throws {
        let run = try run(
            #""samples":{"a":{"value":1}},"service":{"name":"b"},"tags":{"t":1},"faas":{"id":"f","coldstart":false}"#
        )
        let document = try #require(run.documents.first?.tree)
        let expected =
            #"{"service":{"name":"b"},"numeric_labels":{"t":1},"faas":{"id":"f","coldstart":false}}"#
        #expect(document.missing(of: try JSONTree(expected), "") == [])
        #expect(document["service.version"] == nil)
    }

    @Test(
        "of transactions count for the time of spans, or not at all",
        arguments: [
            (
                #""transaction":{"type":"request","name":""},"span":{"type":"app"},"samples":{"span.self_time.count":{"value":2},"#
                    + #""span.self_time.sum.us":{"value":633.9},"other":{"value":1}}"#,
                #"{"type":"app","self_time":{"count":2,"sum":{"us":633}}}"# as String?
            ),
            (
                #""transaction":{"type":"request"},"span":{"subtype":"x"},"samples":{"span.self_time.count":{"value":2}}"#,
                #"{"subtype":"x","self_time":{"count":2}}"#
            ),
            (#""transaction":{"type":"request"},"span":{"type":"app"},"samples":{"a":{"value":2}}"#, nil),
            (#""transaction":{"type":"request"},"samples":{"span.self_time.count":{"value":2}}"#, nil),
        ]
    )
    func breakdown(_ members: String, span: String?) throws {
        let run = try run(members)
        #expect(run.accepted == (span == nil ? 0 : 1))
        #expect(run.documents.count == run.accepted)
        guard let span, let document = run.documents.first else { return }
        #expect(document.dataStream == "metrics-apm.internal-default")
        #expect(document.tree["span"] == (try JSONTree(span)))
        #expect(document.tree["metricset.name"]?.text == "span_breakdown")
        #expect(document.tree["transaction"] == (try JSONTree(#"{"type":"request"}"#)))
        #expect(document.tree["other"] == nil)
    }

    @Test("know the names that Elastic's agents send")
    func names() {
        #expect(MetricNames.count == 83)
    }

    private func run(_ members: String, store: StoreTraits = StoreTraits()) throws -> DocumentRun {
        let run = try DocumentRun(
            #"{"metadata":{"service":{"name":"My-Service","version":"1","agent":{"name":"java","version":"1"}}}}"#,
            #"{"metricset":{"timestamp":1000000,\#(members)}}"#,
            store: store
        )
        #expect(run.errors == [])
        return run
    }
}
