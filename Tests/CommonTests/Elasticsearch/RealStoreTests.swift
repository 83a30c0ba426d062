import Common
import Foundation
import Synchronization
import Testing

@Suite(
    "Real stores",
    .enabled(if: RealStore.packages != nil, "the stores come with make setup"),
    .timeLimit(.minutes(1))
)
struct RealStoreTests {
    private func indexer(_ store: RealStore, _ buried: Box) throws -> BulkIndexer {
        let settings = ElasticsearchSettings(hosts: [store.address])
        return BulkIndexer(settings, service: "test", metrics: Metrics()) { batch, burials in
            buried.add(burials.map { "\($0.document) \($0.status)" })
        }
    }

    private final class Box: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ more: [String]) { lines.withLock { $0 += more } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Sends documents and waits for what became of them.
    private func send(_ documents: [(id: String, source: String)], _ indexer: BulkIndexer) async throws
        -> BulkResult
    {
        let batch = indexer.emptyBatch()
        for (id, source) in documents {
            batch.append(
                index: Array("nginx-2026.11.22".utf8).span.bytes,
                id: Array(id.utf8).span.bytes,
                document: Array(source.utf8).span.bytes
            )
        }
        let holder = Holder()
        #expect(indexer.submit(batch) { holder.set($0) })
        while true {
            if let value = holder.value { return value }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private final class Holder: Sendable {
        private let stored = Mutex<BulkResult?>(nil)
        var value: BulkResult? { stored.withLock { $0 } }
        func set(_ value: BulkResult) { stored.withLock { $0 = value } }
    }

    @Test("take template and documents once, whatever is repeated", arguments: RealStore.Kind.allCases)
    func documents(_ kind: RealStore.Kind) async throws {
        let store = try RealStore(kind)
        defer { store.stop() }
        let setup = ElasticsearchSetup(templates: [IndexTemplate()])
        let documents = [
            ("a", #"{"@timestamp":"2026-11-22T10:00:00.000Z","source":{"ip":"192.0.2.1"},"x":{"y":"new"}}"#),
            ("b", #"{"@timestamp":"2026-11-22T10:00:01.000Z","source":{"ip":"unknown"}}"#),
            (
                "c",
                #"{"@timestamp":"2026-11-22T10:00:02.000Z","source":{"geo":{"location":{"lat":1.5,"lon":2.5}}},"#
                    + #""nginx":{"access":{"upstream":{"response_time_list":[null,0.001]}}},"wechat":{"mini_program":true}}"#
            ),
        ]
        for round in 0..<2 {
            let buried = Box()
            let indexer = try indexer(store, buried)
            try indexer.start(setup: setup)
            let result = try await send(documents, indexer)
            let stored = round == 0 ? 2 : 0
            #expect(result == .complete(BulkCounts(stored: stored, duplicates: 2 - stored, deadLetters: 1)))
            #expect(buried.all == ["1 400"])
            #expect(indexer.health.state(now: Clock.now) == .ok)
            indexer.stop(within: .seconds(1))
        }
        let client = try HTTPClient(HTTPClientSettings())
        defer { client.close() }
        _ = try client.perform(.post, store.address, "/nginx-2026.11.22/_refresh")
        #expect(try store.get("/nginx-*/_count")["count"] as? Int == 2)
        // The mapping is the template's, and an invented text is a keyword.
        let mapping = try store.get("/nginx-2026.11.22/_mapping")
        let index = mapping["nginx-2026.11.22"] as? [String: Any]
        let mappings = index?["mappings"] as? [String: Any]
        let properties = mappings?["properties"] as? [String: [String: Any]]
        let source = properties?["source"]?["properties"] as? [String: [String: Any]]
        #expect(source?["ip"]?["type"] as? String == "ip")
        let invented = properties?["x"]?["properties"] as? [String: [String: Any]]
        #expect(invented?["y"]?["type"] as? String == "keyword")
    }

    @Test("keep a template that is not ours", arguments: RealStore.Kind.allCases)
    func template(_ kind: RealStore.Kind) async throws {
        let store = try RealStore(kind)
        defer { store.stop() }
        let client = try HTTPClient(HTTPClientSettings())
        defer { client.close() }
        let foreign = Array(#"{"index_patterns":["nginx-*"],"priority":7}"#.utf8)
        let put = try foreign.withUnsafeBytes {
            try client.perform(.put, store.address, "/_index_template/nginx", body: $0)
        }
        #expect(put.status == 200)
        let indexer = try indexer(store, Box())
        try indexer.start(setup: ElasticsearchSetup(templates: [IndexTemplate()]))
        _ = try await send([("a", "{}")], indexer)
        indexer.stop(within: .seconds(1))
        let answer = try store.get("/_index_template/nginx")
        let first = (answer["index_templates"] as? [[String: Any]])?.first
        let template = first?["index_template"] as? [String: Any]
        #expect(template?["priority"] as? Int == 7)
    }
}
