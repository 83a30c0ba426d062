import Common
import Foundation
import Synchronization
import Testing

@testable import APMServer

@Suite("Delivery", .timeLimit(.minutes(1)))
struct DeliveryTests {
    /// A running delivery into a folder and a store, and what agents were told.
    private final class Run: Sendable {
        let delivery: Delivery
        let metrics = Metrics()
        private let outcomes = Monitor<[String: Delivery.Outcome]>([:])

        init(
            _ folder: TemporaryFolder,
            _ address: HTTPServerAddress,
            after: Duration = .milliseconds(40),
            memory: Int = 10_000,
            spool: Int = 1 << 20,
            senders: Int = 1
        ) throws {
            var elasticsearch = ElasticsearchSettings(hosts: [address])
            elasticsearch.retry = Backoff(initial: .milliseconds(4), maximum: .milliseconds(20))
            elasticsearch.http.timeout = .milliseconds(2000)
            elasticsearch.concurrentRequests = senders
            var settings = DeliverySettings(elasticsearch: elasticsearch)
            settings.dataDirectory = folder.path
            settings.limits.after = after.nanoseconds
            settings.limits.memoryBytes = memory
            settings.limits.replayBytes = 2000
            settings.limits.replayBatchBytes = 500
            settings.limits.spoolBytes = spool
            settings.schema = nil
            delivery = try Delivery(settings, metrics: metrics)
            try delivery.start()
        }

        func submit(_ ids: [String], padding: Int = 0) {
            let batch = delivery.emptyBatch()
            for id in ids { batch.add(id, padding: padding) }
            let outcomes = outcomes
            delivery.submit(batch) { outcome in
                outcomes.change { outcomes in
                    for id in ids { #expect(outcomes.updateValue(outcome, forKey: id) == nil) }
                }
            }
        }

        /// What became of these, as soon as all are known.
        @discardableResult
        func outcomes(of ids: [String]) -> Set<Delivery.Outcome> {
            let limit = Clock.monotonic + 20_000_000_000
            return outcomes.wait {
                outcomes -> Monitor<[String: Delivery.Outcome]>.Verdict<Set<Delivery.Outcome>> in
                let known = ids.compactMap { outcomes[$0] }
                return known.count == ids.count || Clock.monotonic >= limit
                    ? .proceed(Set(known)) : .wait(until: limit)
            }
        }

        func metric(_ line: String) -> Int? {
            var text = ByteBuffer()
            metrics.appendPrometheus(to: &text)
            let found = text.text.split(separator: "\n").first { $0.hasPrefix(line + " ") }
            return found.flatMap { Int($0.dropFirst(line.count + 1)) }
        }

        /// Returns when the spool holds nothing.
        func waitForEmptySpool() async throws {
            while metric("apm_server_spool_bytes") != 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    private static func ids(_ prefix: String, _ count: Int) -> [String] {
        (0..<count).map { "\(prefix)\($0)" }
    }

    @Test("stores without touching the disk while the store is prompt")
    func prompt() throws {
        let folder = try TemporaryFolder()
        let store = try TestStore()
        defer { store.stop() }
        let run = try Run(folder, try store.address, after: .seconds(30), memory: 1 << 20, senders: 4)
        let ids = Self.ids("a", 200)
        for id in ids { run.submit([id]) }
        #expect(run.outcomes(of: ids) == [.kept])
        run.delivery.stop(within: .seconds(5))
        #expect(store.documents.count == 200 && store.documents.values.allSatisfy { $0 == 1 })
        #expect(folder.names("spool") == [])
        #expect(run.delivery.health.isHealthy)
    }

    /// How a store behaves at first, before it takes everything.
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let behaviour: @Sendable (Int, [String]) -> TestStore.Answer
        /// A document may be sent again after its answer was lost.
        var repeats = false
    }

    static let faults = [
        Fault(testDescription: "503") { number, _ in number < 8 ? .status(503) : .take },
        Fault(testDescription: "429 for some documents") { number, _ in
            number < 20 ? .turnBack(["a1", "a4", "b0"]) : .take
        },
        Fault(testDescription: "401 until someone mends it") { number, _ in number < 3 ? .status(401) : .take
        },
        Fault(
            testDescription: "answers that are lost",
            behaviour: { number, _ in
                number % 3 == 0 ? .takeAndCut : .take
            },
            repeats: true
        ),
        Fault(testDescription: "documents that can never be stored") { number, _ in .refuse(["a0"]) },
    ]

    @Test("loses nothing and stores nothing twice, whatever the store does", arguments: faults)
    func survives(_ fault: Fault) async throws {
        let folder = try TemporaryFolder()
        let store = try TestStore(fault.behaviour)
        defer { store.stop() }
        let run = try Run(folder, try store.address, memory: 600, senders: 2)
        let ids = Self.ids("a", 10) + Self.ids("b", 10) + Self.ids("c", 10)
        for start in stride(from: 0, to: 30, by: 5) { run.submit(Array(ids[start..<start + 5])) }
        #expect(run.outcomes(of: ids) == [.kept])
        try await run.waitForEmptySpool()
        run.delivery.stop(within: .seconds(5))
        let buried = fault.testDescription.contains("never") ? 1 : 0
        #expect(store.documents.count == 30 - buried)
        if !fault.repeats { #expect(store.documents.values.allSatisfy { $0 == 1 }) }
        #expect(folder.names("spool") == [])
        #expect(folder.names("dead-letters").count == buried)
    }

    @Test("answers from the spool while the store is down, says so, and sends all in order when it is back")
    func outage() async throws {
        let folder = try TemporaryFolder()
        let first = try TestStore()
        let port = first.port
        let run = try Run(folder, try first.address, memory: 400)
        first.stop()
        let ids = Self.ids("a", 60)
        for id in ids { run.submit([id]) }
        #expect(run.outcomes(of: ids) == [.kept])
        #expect(run.metric("apm_server_spool_records") == 60)
        #expect(run.metric(#"apm_server_spool_documents_total{outcome="spooled"}"#) == 60)
        #expect(!run.delivery.health.isHealthy)
        let second = try TestStore(port: port)
        defer { second.stop() }
        second.wait(for: ids)
        try await run.waitForEmptySpool()
        #expect(second.documents.values.allSatisfy { $0 == 1 })
        // One sender: what memory held first, then the spool in its order, several records to a request.
        #expect(second.requests.flatMap { $0 } == ids)
        #expect(second.requests.count < 40)
        run.delivery.stop(within: .seconds(5))
        #expect(run.delivery.health.isHealthy)
    }

    @Test("refuses when the spool is full, says so, and takes batches again when it is not")
    func full() async throws {
        let folder = try TemporaryFolder()
        let store = try TestStore { _, _ in .hold }
        defer { store.stop() }
        let run = try Run(folder, try store.address, memory: 400, spool: 2000)
        let ids = Self.ids("a", 40)
        for id in ids {
            run.submit([id])
            run.outcomes(of: [id])
        }
        #expect(run.outcomes(of: ids) == [.kept, .refused])
        #expect((run.metric("apm_server_spool_bytes") ?? 0) <= 2000)
        let refused = run.metric(#"apm_server_spool_batches_total{outcome="refused"}"#) ?? 0
        #expect(refused > 0)
        #expect(run.delivery.health.reasons.contains { $0.contains("% full") })
        store.behave { _, _ in .take }
        try await run.waitForEmptySpool()
        run.submit(["again"])
        #expect(run.outcomes(of: ["again"]) == [.kept])
        run.delivery.stop(within: .seconds(5))
        // Those of memory were refused and stored all the same; nothing that was kept is missing.
        #expect(store.documents.count >= 40 - refused + 1)
        #expect(store.documents.values.allSatisfy { $0 == 1 })
    }

    @Test("keeps what a stop interrupts for the next start", arguments: [400, 100_000])
    func restart(memory: Int) async throws {
        let folder = try TemporaryFolder()
        let store = try TestStore { number, _ in number == 0 ? .take : .hold }
        let ids = Self.ids("a", 30)
        do {
            let run = try Run(folder, try store.address, after: .seconds(30), memory: memory)
            for id in ids { run.submit([id]) }
            run.outcomes(of: [ids[0]])
            run.delivery.stop(within: .milliseconds(20))
            #expect(run.outcomes(of: ids) == [.kept])
            run.submit(["late"])
            #expect(run.outcomes(of: ["late"]) == [.refused])
        }
        store.stop()
        let next = try TestStore()
        defer { next.stop() }
        let run = try Run(folder, try next.address)
        next.wait(for: ids.dropFirst())
        try await run.waitForEmptySpool()
        #expect(next.documents == Dictionary(uniqueKeysWithValues: ids.dropFirst().map { ($0, 1) }))
        run.delivery.stop(within: .seconds(5))
    }

    @Test("sends after a crash what was not stored before, and nothing else")
    func crash() async throws {
        let folder = try TemporaryFolder()
        let copy = try TemporaryFolder()
        let store = try TestStore { number, ids in ids.contains { $0.hasPrefix("b") } ? .hold : .status(503) }
        defer { store.stop() }
        let run = try Run(folder, try store.address, memory: 100_000, senders: 3)
        let ids = Self.ids("a", 10)
        for id in ids { run.submit([id]) }
        #expect(run.outcomes(of: ids) == [.kept])
        // The odd ones get through; the even ones are still refused when the process dies.
        store.behave { _, ids in .turnBack(Set(ids.filter { Int($0.dropFirst())! % 2 == 0 })) }
        store.wait(for: ids.filter { Int($0.dropFirst())! % 2 == 1 })
        while run.metric("apm_server_spool_records") != 5 { try await Task.sleep(for: .milliseconds(2)) }
        let done = "spool/0000000001.done"
        while (try? folder.bytes(done).count) != 5 * 8 { try await Task.sleep(for: .milliseconds(2)) }
        // What kill -9 leaves: the files as they are.
        try FileManager.default.copyItem(atPath: folder.path + "/spool", toPath: copy.path + "/spool")
        let next = try TestStore()
        defer { next.stop() }
        let second = try Run(copy, try next.address)
        try await second.waitForEmptySpool()
        #expect(next.documents.keys.sorted() == ["a0", "a2", "a4", "a6", "a8"])
        second.delivery.stop(within: .seconds(5))
        run.delivery.stop(within: .milliseconds(20))
    }

    @Test("goes on without a spool that cannot be written, and with it when it can")
    func failing() async throws {
        let folder = try TemporaryFolder()
        let store = try TestStore { _, _ in .hold }
        defer { store.stop() }
        let run = try Run(folder, try store.address)
        try FileManager.default.removeItem(atPath: folder.path + "/spool")
        run.submit(["a"])
        #expect(run.outcomes(of: ["a"]) == [.refused])
        #expect(run.delivery.health.reasons.contains { $0.contains("No such file or directory") })
        try FileManager.default.createDirectory(
            atPath: folder.path + "/spool",
            withIntermediateDirectories: true
        )
        run.submit(["b"])
        #expect(run.outcomes(of: ["b"]) == [.kept])
        #expect(run.delivery.health.reasons.allSatisfy { !$0.contains("No such file") })
        store.behave { _, _ in .take }
        try await run.waitForEmptySpool()
        run.delivery.stop(within: .seconds(5))
    }

    @Test("shares its data directory with no other process")
    func lock() throws {
        let folder = try TemporaryFolder()
        let store = try TestStore()
        defer { store.stop() }
        let address = try store.address
        do {
            let run = try Run(folder, address)
            let failure = #expect(throws: DataDirectory.Failure.self) { try Run(folder, address) }
            #expect(
                failure?.description
                    == "data_directory \(folder.path) is used by another running apm-server: "
                    + "stop it, or give this one a data_directory of its own"
            )
            run.delivery.stop(within: .seconds(1))
        }
        try Run(folder, address).delivery.stop(within: .seconds(1))
    }

    @Test("has the documented defaults and reads every key")
    func configuration() throws {
        func read(_ text: String) throws -> DeliverySettings {
            let reader = try ConfigurationReader.parse(Array(text.utf8), source: "apm-server.yml")
            let settings = DeliverySettings(reader)
            try reader.finish()
            return settings
        }
        let defaults = try read("")
        #expect(defaults.dataDirectory == "/var/lib/apm-server")
        #expect(defaults.limits == DeliveryQueue.Limits())
        #expect(
            defaults.deadLetters == DeadLetterLimits()
                && defaults.elasticsearch.concurrentRequests == 4
        )
        #expect(defaults.schema == APMSchema())
        let all = try read(
            """
            data_directory: /data
            spool: {after: 250ms, max_bytes: 2GiB}
            dead_letters: {max_bytes: 5MiB}
            output:
              elasticsearch:
                hosts: ["https://es:9200"]
                concurrent_requests: 9
                pending_bytes: 64MiB
                template: {install: false, replicas: 0, delete_after: {traces: 3d}}
            """
        )
        #expect(all.dataDirectory == "/data" && all.limits.after == 250_000_000)
        #expect(all.limits.spoolBytes == 2 << 30 && all.limits.memoryBytes == 64 << 20)
        #expect(all.limits.replayBytes == 16 << 20 && all.deadLetters.maxBytes == 5 << 20)
        #expect(all.elasticsearch.concurrentRequests == 9 && all.elasticsearch.hosts.count == 1)
        #expect(all.schema?.isInstalled == false && all.schema?.deleteAfter.traces == .seconds(3 * 86400))
    }
}
