import Common
import Testing

@testable import APMServer

/// What the mapper does with whole events: by settings, path of the request and sampling.
@Suite("Event mapper")
struct EventMapperTests {
    private static let metadata =
        #"{"metadata":{"service":{"name":"a","agent":{"name":"go","version":"1"}}}}"#

    @Test("counts an unsampled transaction of a backend and does not store it")
    func unsampled() throws {
        let run = try DocumentRun(Self.metadata, DocumentRow.transaction(#""sampled":false"#))
        #expect(run.accepted == 1)
        #expect(run.documents.isEmpty)
        #expect(try run.rollUpDocuments().contains { $0.dataStream == "metrics-apm.transaction.1m-default" })
    }

    @Test("stores no addresses and user agents when the configuration says so")
    func personalData() throws {
        var settings = MappingSettings()
        settings.capturesPersonalData = false
        let backend = DocumentRow(name: "", event: DocumentRow.transaction(""), expected: ["host": ""])
        try backend.check(settings)
        let browser = DocumentRow(
            name: "",
            event: DocumentRow.request(
                #""headers":{"user-agent":"x"},"socket":{"remote_address":"1.2.3.4"}"#
            ),
            expected: [
                "user_agent": #"{"original":"x"}"#, "client": #"{"ip":"1.2.3.4"}"#,
                "source": #"{"ip":"1.2.3.4"}"#, "host": "",
            ]
        )
        try browser.check(by: DocumentRun.browser, settings)
    }

    @Test("names the environment of services that name none")
    func environment() throws {
        var settings = MappingSettings()
        settings.defaultServiceEnvironment = "pro\"d"
        settings.namespace = "space"
        let none = DocumentRow(
            name: "",
            event: DocumentRow.context(#""service":{"name":"b"}"#),
            expected: [
                "service": #"{"name":"b","environment":"pro\"d"}"#, "data_stream.namespace": #""space""#,
            ]
        )
        try none.check(settings)
        let own = DocumentRow(
            name: "",
            event: DocumentRow.context(#""service":{"environment":"e"}"#),
            expected: ["service.environment": #""e""#]
        )
        try own.check(settings)
    }

    @Test("takes the client of a browser's event from its request, whatever the event captured")
    func browser() throws {
        var request = DocumentRun.browser
        request.natIP = "10.9.9.9"
        let row = DocumentRow(
            name: "",
            event: DocumentRow.request(
                #""headers":{"x-real-ip":"9.9.9.9","user-agent":["a","b"]},"socket":{"remote_address":"1.2.3.4"}"#
            ),
            expected: [
                "user_agent": #"{"original":"a, b"}"#, "client": #"{"ip":"10.0.0.2"}"#,
                "source": #"{"ip":"10.0.0.2","port":4711,"nat":{"ip":"10.9.9.9"}}"#, "host": "",
            ]
        )
        try row.check(by: request)
    }

    @Test(
        "reads each line by its own dialect, whatever that of the metadata",
        arguments: [metadata, #"{"m":{"se":{"n":"a","a":{"n":"go","ve":"1"}}}}"#]
    )
    func dialects(metadata: String) throws {
        let run = try DocumentRun(
            metadata,
            #"{"error":{"id":"1","exception":{"type":"T","stacktrace":[{"filename":"f"}]}}}"#,
            #"{"e":{"id":"2","ex":{"t":"T","st":[{"f":"f"}]}}}"#,
            #"{"span":{"id":"3","trace_id":"t","parent_id":"p","name":"n","type":"t","duration":1,"start":0,"#
                + #""stacktrace":[{"filename":"f"}]}}"#,
            #"{"metricset":{"samples":{"x":{"value":7}}}}"#
        )
        try #require(run.errors.isEmpty && run.documents.count == 4)
        let frames = #"[{"exclude_from_grouping":false,"filename":"f"}]"#
        let exceptions = try JSONTree(#"[{"type":"T","stacktrace":\#(frames)}]"#)
        #expect(run.documents.map { $0.tree["error.exception"] } == [exceptions, exceptions, nil, nil])
        #expect(run.documents[2].tree["span.stacktrace"] == (try JSONTree(frames)))
        #expect(run.documents[3].tree["x"] == .number(7))
    }

    @Test("takes a RUM v3 transaction apart, leaving out metrics without a span or a time")
    func nested() throws {
        let run = try DocumentRun(
            #"{"m":{"se":{"n":"s","a":{"n":"rum-js","ve":"5"}}}}"#,
            #"{"x":{"id":"x","tid":"t","t":"load","d":1,"sr":0.5,"yc":{"sd":2},"c":{"se":{"n":"other"}},"#
                + #""me":[{"y":{"t":"app"},"sa":{"ysc":{"v":2.9},"yss":{"v":7}}},{"sa":{"ysc":{"v":1}}},{"sa":{"xdc":{"v":1}}},null],"#
                + #""y":[{"id":"0","n":"a","t":"r.s","s":5,"d":1,"pi":1,"sr":0.5,"c":{"dt":{"se":{"rc":"h:1"}}}},"#
                + #"{"id":"1","n":"b","t":"r","s":0,"d":1,"pi":9,"c":{"se":{"n":"third"}}}]}}"#,
            request: DocumentRun.browser
        )
        #expect(run.errors.isEmpty)
        #expect(run.accepted == 4)
        try #require(run.documents.count == 4)
        func value(_ number: Int, _ path: String) -> String? { run.documents[number].tree[path]?.text }
        #expect((0..<4).map { value($0, "processor.event") } == ["transaction", "metric", "span", "span"])
        #expect((0..<4).map { value($0, "service.name") } == ["other", "s", "s", "third"])
        #expect((2..<4).map { value($0, "parent.id") } == ["1", "x"])
        #expect((2..<4).map { run.documents[$0].tree["span.representative_count"] } == [.number(2), nil])
        #expect(value(2, "span.subtype") == "s" && value(2, "@timestamp") == "2026-11-22T10:24:10.465Z")
        #expect(run.documents[1].tree["span.self_time"] == (try JSONTree(#"{"count":2,"sum":{"us":7}}"#)))
        #expect(run.documents[1].tree["timestamp"] == nil)
        #expect(run.documents[2].tree["service.target"] == nil)
        let kinds = try run.rollUpDocuments().map(\.dataStream)
        #expect(kinds.filter { $0 == "metrics-apm.service_summary.1m-default" }.count == 3)
        #expect(kinds.filter { $0 == "metrics-apm.service_destination.1m-default" }.count == 1)
    }
}
