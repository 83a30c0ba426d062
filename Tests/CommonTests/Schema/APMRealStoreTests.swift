import Common
import Foundation
import Synchronization
import Testing

@Suite(
    "APM documents in real stores",
    .enabled(if: RealStore.packages != nil, "the stores come with make setup"),
    .timeLimit(.minutes(2))
)
struct APMRealStoreTests {
    private struct Vector {
        let index: String
        let document: [UInt8]
    }

    /// Every expected document of the vectors, its placeholders filled.
    private static func vectors() throws -> [Vector] {
        let folder = Fixture.path("apm")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".expected.json") }.sorted()
        return try names.flatMap { name -> [Vector] in
            let file = try Fixture.json("apm/\(name)") as? [String: Any]
            let docs = file?["docs"] as? [[String: Any]] ?? []
            return try docs.map { entry in
                let document = filled("", entry["doc"] as Any)
                return Vector(
                    index: entry["data_stream"] as? String ?? "",
                    document: [UInt8](try JSONSerialization.data(withJSONObject: document))
                )
            }
        }
    }

    private static func filled(_ path: String, _ value: Any) -> Any {
        if let object = value as? [String: Any] {
            var result: [String: Any] = [:]
            for (key, member) in object {
                result[key] = filled(path.isEmpty ? key : "\(path).\(key)", member)
            }
            return result
        }
        if let list = value as? [Any] { return list.map { filled(path, $0) } }
        guard value as? String == "*" else { return value }
        switch path {
        case "@timestamp": return "2026-11-22T10:00:00.000Z"
        case "timestamp.us": return 1_795_341_600_000_000
        case _ where path.hasSuffix("ip"): return "192.0.2.1"
        case _ where path.hasSuffix("port"): return 4711
        default: return "x"
        }
    }

    @Test("are all taken under our templates", arguments: RealStore.Kind.allCases, [false, true])
    func documents(_ kind: RealStore.Kind, isClassic: Bool) async throws {
        let vectors = try Self.vectors()
        #expect(vectors.count == 66)
        let store = try RealStore(kind)
        defer { store.stop() }
        var schema = APMSchema()
        schema.isClassic = isClassic
        let refused = Mutex<[String]>([])
        let indexer = BulkIndexer(
            ElasticsearchSettings(hosts: [store.address]),
            service: "test",
            metrics: Metrics()
        ) { batch, burials in
            refused.withLock { list in
                list += burials.map { burial in
                    let source = batch.bytes.array[batch.sourceRange(burial.document)]
                    return "\(burial.status) \(burial.reason): \(String(decoding: source, as: UTF8.self))"
                }
            }
        }
        for round in 0..<2 {
            if round == 0 { try indexer.start(setup: ElasticsearchSetup(schema)) }
            let batch = indexer.emptyBatch()
            for (number, vector) in vectors.enumerated() {
                let event = vector.index.hasPrefix("traces") ? "transaction" : "metric"
                let index = isClassic ? "apm-1.2.3-\(event)-2026.11.22" : vector.index
                batch.append(
                    index: Array(index.utf8).span.bytes,
                    id: Array("id-\(number)".utf8).span.bytes,
                    document: vector.document.span.bytes
                )
            }
            let holder = Holder()
            #expect(indexer.submit(batch) { holder.set($0) })
            while holder.value == nil { try await Task.sleep(for: .milliseconds(5)) }
            let expected: BulkResult =
                round == 0
                ? .complete(BulkCounts(stored: 66, duplicates: 0, deadLetters: 0))
                : .complete(BulkCounts(stored: 0, duplicates: 66, deadLetters: 0))
            #expect(holder.value == expected)
        }
        #expect(refused.withLock { $0 } == [])
        #expect(indexer.health.state(now: Clock.now) == .ok)
        indexer.stop(within: .seconds(1))
    }

    private final class Holder: Sendable {
        private let result = Mutex<BulkResult?>(nil)
        var value: BulkResult? { result.withLock { $0 } }
        func set(_ new: BulkResult) { result.withLock { $0 = new } }
    }
}
