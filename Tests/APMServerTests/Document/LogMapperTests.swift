import Common
import Testing

@testable import APMServer

@Suite("Logs")
struct LogMapperTests {
    @Test(
        "become documents of their service",
        arguments: [
            (
                """
                "message":"m","log.level":"INFO","log":{"logger":"l","origin":{"function":"f","file":{"name":"n","line":7}}},\
                "process.thread.name":"main","trace.id":"t","transaction.id":"x","labels":{"a":1},"faas":{"id":"f"}
                """,
                """
                {"message":"m","log":{"level":"INFO","logger":"l","origin":{"function":"f","file":{"name":"n","line":7}}},
                 "process":{"thread":{"name":"main"}},"trace":{"id":"t"},"transaction":{"id":"x"},"span":{"id":"x"},
                 "numeric_labels":{"a":1},"faas":{"id":"f"},
                 "event":{"kind":"event","dataset":"apm.app.my_service"}}
                """,
                "logs-apm.app.my_service-default"
            ),
            (
                #""message":"m","span.id":"s","transaction.id":"x","event.dataset":"d","service":{"name":"Other","environment":"e"}"#,
                """
                {"span":{"id":"s"},"event":{"kind":"event","dataset":"d"},
                 "service":{"name":"Other","environment":"e"}}
                """,
                "logs-apm.app.other-default"
            ),
            (
                #""log.origin.file.line":0,"log":{"origin":{"file":{"name":"n"}}}"#,
                #"{"log":{"origin":{"file":{"name":"n"}}}}"#, "logs-apm.app.my_service-default"
            ),
        ]
    )
    func logs(_ members: String, expected: String, dataStream: String) throws {
        let document = try document(members)
        #expect(document.dataStream == dataStream)
        #expect(document.tree.missing(of: try JSONTree(expected), "") == [])
        #expect(document.tree["processor"] == nil)
        #expect(document.tree["timestamp"] == nil)
        #expect(document.tree["error"] == nil)
        #expect(document.tree["log.origin.file.line"] != .number(0))
    }

    @Test("of several services in turn go each to its own stream")
    func services() throws {
        let names = ["One", "Two", "Two", "My-Service", "One"]
        let lines = names.map { #"{"log":{"message":"m","service.name":"\#($0)"}}"# }
        let metrics = #"{"metricset":{"samples":{"a":{"value":1}},"service":{"name":"One"}}}"#
        let metadata =
            #"{"metadata":{"service":{"name":"My-Service","agent":{"name":"java","version":"1"}}}}"#
        let body = ([metadata] + lines + [metrics, lines[0]]).joined(separator: "\n")
        let run = try DocumentRun(Array(body.utf8))
        #expect(
            run.documents.map(\.dataStream) == [
                "logs-apm.app.one-default", "logs-apm.app.two-default", "logs-apm.app.two-default",
                "logs-apm.app.my_service-default", "logs-apm.app.one-default",
                "metrics-apm.app.one-default", "logs-apm.app.one-default",
            ]
        )
    }

    @Test(
        "about errors become errors",
        arguments: [
            (
                #""message":"m","error":{"type":"E","message":"e","stack_trace":"at x"},"log.level":"ERROR""#,
                #"{"message":"m","log":{"level":"ERROR"},"error":{"type":"E","message":"e","stack_trace":"at x"}}"#
            ),
            (#""error.message":"e""#, #"{"error":{"message":"e"}}"#),
        ]
    )
    func errors(_ members: String, expected: String) throws {
        let document = try document(members)
        #expect(document.dataStream == "logs-apm.error-default")
        #expect(document.tree.missing(of: try JSONTree(expected), "") == [])
        #expect(document.tree["error.grouping_key"]?.text == "ef46db3751d8e999")
        #expect(document.tree["event"] == (try JSONTree(#"{"dataset":"apm.error"}"#)))
        #expect(document.tree["processor.event"]?.text == "error")
    }

    private func document(_ members: String) throws -> DocumentRun.Document {
        let run = try DocumentRun(
            #"{"metadata":{"service":{"name":"My-Service","agent":{"name":"java","version":"1"}}}}"#,
            #"{"log":{"@timestamp":1000000,\#(members)}}"#
        )
        #expect(run.errors == [])
        return try #require(run.documents.first)
    }
}
