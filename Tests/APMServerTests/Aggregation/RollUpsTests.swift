import Common
import Synchronization
import Testing

@testable import APMServer

@Suite("Roll-ups")
struct RollUpsTests {
    @Test("of several workers are delivered together at the stop", .timeLimit(.minutes(1)))
    func stop() throws {
        let folder = try TemporaryFolder()
        let delivered = Mutex<[BulkBatch]>([])
        let sink = DocumentSink(
            emptyBatch: { BulkBatch() },
            submit: { batch, completion in
                delivered.withLock { $0.append(batch) }
                completion(.kept)
            }
        )
        let metrics = Metrics()
        let rollUps = try RollUps(
            AggregationConfiguration(),
            directory: folder.path,
            documents: RollUpHarness.documents,
            sink: sink,
            metrics: metrics
        )
        let workers = [rollUps.makeTables(), rollUps.makeTables()]
        try rollUps.start()
        let threads = try workers.map { tables in
            try Thread("worker") {
                for _ in 0..<10_000 { TestEvent().transaction(tables) }
            }
        }
        for thread in threads { thread.join() }
        rollUps.stop(within: .seconds(30))
        let documents = try delivered.withLock { $0 }.flatMap { try RollUpHarness.read($0) }
        let counts = documents.filter { $0.index.contains(".60m") }.compactMap { $0.number("_doc_count") }
        #expect(counts.reduce(0, +) == 20_000)
    }

    @Test("read the section aggregation, and take from the memory what it does not say")
    func configuration() throws {
        func read(_ text: String) throws -> AggregationConfiguration {
            let reader = try ConfigurationReader.parse(Array(text.utf8), source: "apm-server.yml")
            let configuration = AggregationConfiguration(reader.section("aggregation"))
            try reader.finish()
            return configuration
        }
        let defaults = try read("").limits(memoryBytes: 2 << 30)
        #expect(defaults.maxServices == 2000 && defaults.groups(.transaction) == 10_000)
        #expect(
            defaults.groups(.serviceTransaction) == 2000 && defaults.groups(.serviceDestination) == 15_000
        )
        #expect(defaults.groupsPerService(.serviceTransaction) == 200)
        #expect(try read("").checkpointInterval == .seconds(10))
        #expect(try read("").limits(memoryBytes: 100 << 20) == read("").limits(memoryBytes: 1 << 30))
        let given = try read(
            """
            aggregation:
              max_services: 5
              transactions.max_groups: 6
              service_transactions: {max_groups: 7}
              service_destinations: {max_groups: 8}
              checkpoint_interval: 0s
            """
        )
        let limits = given.limits(memoryBytes: 1 << 30)
        #expect(limits.maxServices == 5 && given.checkpointInterval == .zero)
        #expect(
            [RollUpKind.transaction, .serviceTransaction, .serviceDestination].map(limits.groups) == [
                6, 7, 8,
            ]
        )
        #expect(throws: ConfigurationError.self) { try read("aggregation: {max_services: -1}") }
    }
}
