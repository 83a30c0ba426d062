import Common
import Testing

@testable import APMServer

/// Requests whose documents are known from Elastic's APM Server (Tests/Fixtures/apm/README.md).
@Suite("Document vectors")
struct DocumentVectorTests {
    @Test(
        "become the documents that Elastic's server makes",
        arguments: [
            "transactions_a", "spans_a", "errors_a", "metricsets_a", "logs_a", "events", "minimal",
            "span_links",
            "unknown_span_type", "metadata_null_values", "invalid_event", "invalid_event_type",
            "invalid_json_metadata", "invalid_metadata_2", "rum_transactions", "rum_forwarded_for",
            "rum_v3_events",
        ]
    )
    func vector(_ name: String) throws {
        let expected = try JSONTree(try IntakeFixture.bytes("apm/\(name).expected.json"))
        let isRUM = expected["request.path"]?.text?.contains("/rum/") ?? false
        var request = isRUM ? DocumentRun.browser : DocumentRun.backend
        if let forwarded = expected["request.headers.X-Forwarded-For"]?.text {
            request.natIP = request.clientIP
            request.clientIP = forwarded
            request.clientPort = 0
        }
        let run = try DocumentRun(try IntakeFixture.bytes("apm/\(name).ndjson"), request: request)
        #expect(run.accepted == expected["response.accepted"].map { Int($0.count) })
        let documents = expected["docs"]?.elements ?? []
        #expect(run.documents.count == documents.count)
        var rest = run.documents
        for document in documents {
            let tree = (document["doc"] ?? .null).normalized
            let stream = document["data_stream"]?.text
            let found = rest.firstIndex { actual in
                actual.dataStream == stream && tree.differences(from: actual.tree.normalized).isEmpty
            }
            if let found {
                rest.remove(at: found)
            } else {
                let all = rest.map { tree.differences(from: $0.tree.normalized) }
                let nearest = all.min { $0.count < $1.count }
                Issue.record("\(name): \(nearest ?? ["no document left"])")
            }
        }
    }
}

extension JSONTree {
    fileprivate var count: Double { if case .number(let number) = self { number } else { -1 } }
}
