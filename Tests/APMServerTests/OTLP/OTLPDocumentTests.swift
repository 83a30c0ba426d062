import Common
import Testing

@testable import APMServer

@Suite("Documents of OTLP requests")
struct OTLPDocumentTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let request: String
        let signal: OTLPSignal
        let number: Int
        let dataStream: String
        /// Members that the document must have.
        let expected: String
        /// Paths that it must not have.
        let absent: [String]

        var testDescription: String { "\(request) \(signal) \(number)" }

        init(
            _ request: String,
            _ signal: OTLPSignal,
            _ number: Int,
            _ dataStream: String,
            _ expected: String,
            absent: [String] = []
        ) {
            self.request = request
            self.signal = signal
            self.number = number
            self.dataStream = dataStream
            self.expected = expected
            self.absent = absent
        }
    }

    private static let rows: [Row] = [
        Row(
            "flask",
            .traces,
            0,
            "traces-apm-default",
            """
            {"processor":{"event":"span"},"parent":{"id":"f04f4b7cbab41948"},
             "trace":{"id":"8bf9c6f7483d32264644bb24d42ca6fc"},
             "span":{"id":"4d110c335c0a6afe","name":"SELECT shop.orders","type":"db","subtype":"postgresql",
              "kind":"CLIENT","duration":{"us":21},"representative_count":1,
              "db":{"instance":"shop","type":"postgresql","user":{"name":"reader"},
               "statement":"SELECT * FROM orders WHERE id = $1"},
              "destination":{"service":{"type":"db","name":"postgresql","resource":"postgresql"}}},
             "destination":{"address":"db.example.org","port":5432},
             "event":{"outcome":"success","success_count":1},
             "service":{"name":"shop","version":"2.1.0","environment":"staging","node":{"name":"shop-1"},
              "language":{"name":"python"},"framework":{"name":"shop.database","version":"1.4.2"},
              "target":{"type":"postgresql","name":"shop"}},
             "agent":{"name":"opentelemetry/python","version":"1.45.1"},
             "labels":{"team":"checkout"},"numeric_labels":{"tier":2}}
            """,
            absent: ["transaction", "span.action", "labels.db_name"]
        ),
        Row(
            "flask",
            .traces,
            2,
            "traces-apm-default",
            """
            {"processor":{"event":"transaction"},"@timestamp":"2026-11-26T22:25:59.712Z",
             "timestamp":{"us":1795731959712029},
             "transaction":{"id":"f04f4b7cbab41948","name":"GET /orders/<int:number>","type":"request",
              "result":"HTTP 2xx","sampled":true,"duration":{"us":7614},"representative_count":1},
             "span":{"id":"f04f4b7cbab41948","kind":"SERVER"},
             "http":{"version":"1.1","request":{"method":"GET"},"response":{"status_code":200}},
             "url":{"original":"/orders/7?expand=1","full":"http://127.0.0.1:41405/orders/7?expand=1",
              "scheme":"http","domain":"127.0.0.1","port":41405,"path":"/orders/7","query":"expand=1"},
             "user_agent":{"original":"python-requests/2.34.2"},"source":{"ip":"127.0.0.1"},
             "labels":{"http_route":"/orders/<int:number>","team":"checkout"},
             "service":{"framework":{"name":"opentelemetry.instrumentation.flask","version":"0.66b1"}},
             "event":{"outcome":"success","success_count":1}}
            """,
            absent: ["parent", "labels.http_method", "numeric_labels.http_status_code"]
        ),
        // The stable conventions say the same of the same page.
        Row(
            "flask-stable",
            .traces,
            2,
            "traces-apm-default",
            """
            {"transaction":{"name":"GET /orders/<int:number>","type":"request","result":"HTTP 2xx"},
             "http":{"version":"1.1","request":{"method":"GET"},"response":{"status_code":200}},
             "url":{"scheme":"http","domain":"127.0.0.1","port":43209,"path":"/orders/7","query":"expand=1"},
             "user_agent":{"original":"python-requests/2.34.2"},"client":{"ip":"127.0.0.1"}}
            """,
            absent: ["labels.http_request_method", "labels.url_path"]
        ),
        Row(
            "flask",
            .traces,
            4,
            "logs-apm.error-default",
            """
            {"processor":{"event":"error"},"message":"no such thing: “blüe”",
             "parent":{"id":"e5d7f7f6ebdba42a"},"trace":{"id":"8bfc54a6e44087b13386c18590a6059b"},
             "transaction":{"id":"e5d7f7f6ebdba42a","name":"GET /broken","type":"request","sampled":true},
             "error":{"exception":[{"type":"ValueError","message":"no such thing: “blüe”","handled":true}]},
             "service":{"name":"shop","framework":{"name":"opentelemetry.instrumentation.flask"}}}
            """
        ),
        Row(
            "flask",
            .traces,
            6,
            "traces-apm-default",
            """
            {"span":{"name":"GET","type":"external","subtype":"http","kind":"CLIENT",
              "destination":{"service":{"type":"external","name":"http://127.0.0.1:41405",
               "resource":"127.0.0.1:41405"}}},
             "url":{"original":"http://127.0.0.1:41405/stock/pen?color=blue"},
             "http":{"request":{"method":"GET"},"response":{"status_code":200}},
             "service":{"target":{"type":"http","name":"127.0.0.1:41405"}}}
            """
        ),
        Row(
            "flask",
            .logs,
            0,
            "logs-apm.app.shop-default",
            """
            {"message":"order 7: 3 left","log":{"level":"WARN","logger":"shop.orders"},
             "trace":{"id":"8bf9c6f7483d32264644bb24d42ca6fc"},"span":{"id":"f04f4b7cbab41948"},
             "labels":{"customer":"c-17","express":"true"},"numeric_labels":{"code_line_number":157}}
            """
        ),
        Row(
            "manual",
            .metrics,
            0,
            "metrics-apm.app.shop_web-default",
            """
            {"processor":{"event":"metric"},"metricset":{"name":"app"},"jobs":3,"open":-2,
             "latency":{"values":[0,2.5,7.5,17.5,25],"counts":[1,2,2,1,1]},"labels":{"queue":"fast"}}
            """
        ),
        Row(
            "manual",
            .logs,
            2,
            "logs-apm.error-default",
            """
            {"message":"failed","error":{"exception":[{"type":"KeyError","message":"key","handled":true}],
              "log":{"message":"failed","level":"FATAL","logger_name":"manual.log"}}}
            """
        ),
    ]

    @Test("have what Kibana looks for", arguments: rows)
    func documents(row: Row) throws {
        let request = try OTLPFixture.bytes(row.request, row.signal, .protobuf)
        let translation = try OTLPTranslation(row.signal, .protobuf, request)
        let run = try DocumentRun(Array(translation.lines.joined(separator: "\n").utf8))
        #expect(run.errors == [] && run.documents.count == translation.events.count)
        let document = run.documents[row.number]
        #expect(document.dataStream == row.dataStream)
        let missing = document.tree.missing(of: try JSONTree(row.expected), "")
        #expect(missing == [])
        for path in row.absent { #expect(document.tree[path] == nil, "\(path)") }
    }

    @Test("keep the text of stack traces")
    func stackTrace() throws {
        let request = try OTLPFixture.bytes("flask", .traces, .protobuf)
        let translation = try OTLPTranslation(.traces, .protobuf, request)
        let run = try DocumentRun(Array(translation.lines.joined(separator: "\n").utf8))
        let text = try #require(run.documents[4].tree["error.stack_trace"]?.text)
        #expect(text.hasPrefix("Traceback (most recent call last):\n") && text.contains("ValueError"))
    }
}
