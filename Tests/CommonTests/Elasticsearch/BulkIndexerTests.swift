import Common
import Foundation
import Synchronization
import Testing

@Suite("Bulk indexer", .timeLimit(.minutes(1)))
struct BulkIndexerTests {
    /// A running indexer, what became of its batches, and its dead letters.
    final class Run: Sendable {
        let indexer: BulkIndexer
        let metrics = Metrics()
        let results = Mutex<[BulkResult]>([])
        let buried = Mutex<[String]>([])
        /// Burials that fail before one succeeds.
        let buryFailures: Mutex<Int>

        init(_ stores: FaultyStore..., buryFailures: Int = 0, compressed: Bool = true, senders: Int = 1)
            throws
        {
            var settings = ElasticsearchSettings(hosts: try stores.map { try $0.address })
            settings.retry = Backoff(initial: .milliseconds(4), maximum: .milliseconds(20))
            settings.http.timeout = .milliseconds(400)
            settings.isCompressed = compressed
            settings.concurrentRequests = senders
            settings.maxPendingBytes = 10_000
            self.buryFailures = Mutex(buryFailures)
            let shared = Box()
            indexer = BulkIndexer(settings, service: "test", metrics: metrics) { batch, burials in
                try shared.run?.bury(batch, burials)
            }
            shared.set(self)
            try indexer.start()
        }

        final class Box: Sendable {
            private let value = Mutex<Run?>(nil)
            var run: Run? { value.withLock { $0 } }
            func set(_ run: Run?) { value.withLock { $0 = run } }
        }

        struct Full: Error {}

        func bury(_ batch: BulkBatch, _ burials: [BulkProgress.Burial]) throws {
            try buryFailures.withLock { left in
                if left > 0 {
                    left -= 1
                    throw Full()
                }
            }
            buried.withLock { $0 += burials.map { "\($0.document) \($0.status) \($0.type)" } }
        }

        func submit(_ ids: [String]) -> Bool {
            let batch = indexer.emptyBatch()
            for id in ids {
                batch.append(
                    index: Array("nginx-2026.11.22".utf8).span.bytes,
                    id: Array(id.utf8).span.bytes,
                    document: Array(#"{"a":"\#(id)"}"#.utf8).span.bytes
                )
            }
            return indexer.submit(batch) { [self] result in results.withLock { $0.append(result) } }
        }

        /// The results as soon as there are `count`.
        func results(_ count: Int) async throws -> [BulkResult] {
            while results.withLock({ $0.count }) < count { try await Task.sleep(for: .milliseconds(2)) }
            return results.withLock { $0 }
        }
    }

    private static let ids = ["a", "b", "c", "d"]

    /// How a store answers the first requests, before it takes everything.
    struct Story: Sendable, CustomTestStringConvertible {
        let name: String
        let answers: [FaultyStore.Answer]
        /// Ids of each request.
        let requests: [[String]]
        var result = BulkResult.complete(BulkCounts(stored: 4, duplicates: 0, deadLetters: 0))
        var buried: [String] = []
        var testDescription: String { name }
    }

    static let stories = [
        Story(name: "all stored at once", answers: [], requests: [ids]),
        Story(name: "429, then stored", answers: [.status(429, "{}")], requests: [ids, ids]),
        Story(
            name: "503 twice",
            answers: [.status(503, ""), .status(503, "<html>")],
            requests: [ids, ids, ids]
        ),
        Story(name: "401 until the key is right", answers: [.status(401, "{}")], requests: [ids, ids]),
        Story(name: "no answer", answers: [.silence], requests: [ids, ids]),
        Story(name: "half an answer", answers: [.half(#"{"items":["#)], requests: [ids, ids]),
        Story(name: "a cut connection", answers: [.cut], requests: [ids, ids]),
        Story(name: "items missing in the answer", answers: [.items([201])], requests: [ids, ids]),
        Story(name: "no JSON", answers: [.status(200, "fine")], requests: [ids, ids]),
        Story(
            name: "duplicates are success",
            answers: [.items([201, 409, 409, 201])],
            requests: [ids],
            result: .complete(BulkCounts(stored: 2, duplicates: 2, deadLetters: 0))
        ),
        Story(
            name: "only what is turned back goes again",
            answers: [.items([201, 429, 201, 503]), .items([429, 201])],
            requests: [ids, ["b", "d"], ["b"]]
        ),
        Story(name: "a write block holds", answers: [.items([201, 201, 403, 201])], requests: [ids, ["c"]]),
        Story(
            name: "what can never be stored is a dead letter",
            answers: [.items([201, 400, 201, 201])],
            requests: [ids],
            result: .complete(BulkCounts(stored: 3, duplicates: 0, deadLetters: 1)),
            buried: ["1 400 document_parsing_exception"]
        ),
    ]

    @Test("settles every document", arguments: stories, [true, false])
    func settles(_ story: Story, compressed: Bool) async throws {
        let store = try FaultyStore { request in
            request.number < story.answers.count
                ? story.answers[request.number] : .items(request.ids.map { _ in 201 })
        }
        defer { store.stop() }
        let run = try Run(store, compressed: compressed)
        #expect(run.submit(Self.ids))
        #expect(try await run.results(1) == [story.result])
        #expect(store.bulkRequests.map(\.ids) == story.requests)
        #expect(run.buried.withLock { $0 } == story.buried)
        #expect(run.indexer.health.state(now: Clock.now) == .ok)
        run.indexer.stop(within: .seconds(1))
        #expect(run.results.withLock { $0.count } == 1)
    }

    @Test("halves what is too large, and buries one document that is too large alone")
    func tooLarge() async throws {
        let store = try FaultyStore { request in
            request.ids.count > 1 && request.ids.contains("c") || request.ids == ["c"]
                ? .status(413, "") : .items(request.ids.map { _ in 201 })
        }
        defer { store.stop() }
        let run = try Run(store)
        #expect(run.submit(Self.ids))
        #expect(try await run.results(1) == [.complete(BulkCounts(stored: 3, duplicates: 0, deadLetters: 1))])
        #expect(store.bulkRequests.map(\.ids) == [Self.ids, ["a", "b"], ["c", "d"], ["c"], ["d"]])
        #expect(run.buried.withLock { $0 } == ["2 413 "])
        run.indexer.stop(within: .seconds(1))
    }

    @Test("finds the one document that makes a request malformed")
    func malformed() async throws {
        let store = try FaultyStore { request in
            request.ids.contains("b")
                ? .status(400, #"{"error":{"type":"parse_exception","reason":"line 3"}}"#)
                : .items(request.ids.map { _ in 201 })
        }
        defer { store.stop() }
        let run = try Run(store)
        #expect(run.submit(["x"]))
        #expect(run.submit(Self.ids))
        #expect(
            try await run.results(2).last == .complete(BulkCounts(stored: 3, duplicates: 0, deadLetters: 1))
        )
        #expect(run.buried.withLock { $0 } == ["1 400 parse_exception"])
        run.indexer.stop(within: .seconds(1))
    }

    @Test("keeps dead letters until they can be written")
    func fullDisk() async throws {
        let store = try FaultyStore { .items($0.ids.map { $0 == "a" ? 400 : 201 }) }
        defer { store.stop() }
        let run = try Run(store, buryFailures: 3)
        #expect(run.submit(Self.ids))
        #expect(try await run.results(1) == [.complete(BulkCounts(stored: 3, duplicates: 0, deadLetters: 1))])
        #expect(store.bulkRequests.count == 1)
        run.indexer.stop(within: .seconds(1))
    }

    @Test("goes on with the other server when one is gone, and comes back")
    func twoServers() async throws {
        let dead = try FaultyStore { _ in .cut }
        let port = dead.port
        dead.stop()
        let alive = try FaultyStore { .items($0.ids.map { _ in 201 }) }
        defer { alive.stop() }
        let gone = try HTTPServerAddress("http://127.0.0.1:\(port)")
        var settings = ElasticsearchSettings(hosts: [gone, try alive.address])
        settings.retry = Backoff(initial: .milliseconds(4), maximum: .milliseconds(20))
        let indexer = BulkIndexer(settings, service: "test", metrics: Metrics()) { _, _ in }
        try indexer.start()
        let counter = Counter()
        for number in 0..<20 {
            let batch = indexer.emptyBatch()
            batch.append(
                index: Array("i".utf8).span.bytes,
                id: Array("\(number)".utf8).span.bytes,
                document: Array("{}".utf8).span.bytes
            )
            #expect(indexer.submit(batch) { _ in counter.add() })
        }
        while counter.total < 20 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(Set(alive.bulkRequests.flatMap(\.ids)).count == 20)
        indexer.stop(within: .seconds(1))
    }

    @Test("refuses batches above its bound and tells when there is room")
    func bounded() async throws {
        let gate = Gate()
        let store = try FaultyStore { request in
            gate.wait()
            return .items(request.ids.map { _ in 201 })
        }
        defer { store.stop() }
        let run = try Run(store)
        let large = (0..<90).map { "document-\($0)" }
        #expect(run.submit(large))
        #expect(!run.submit(large))
        let room = Counter()
        run.indexer.whenRoom { room.add() }
        gate.open()
        _ = try await run.results(1)
        while room.total == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(run.submit(large))
        _ = try await run.results(2)
        run.indexer.stop(within: .seconds(1))
        #expect(!run.submit(large))
    }

    @Test("abandons what is left when the service stops, each batch once")
    func stops() async throws {
        let store = try FaultyStore { $0.number == 0 ? .silence : .status(503, "") }
        defer { store.stop() }
        let run = try Run(store, senders: 2)
        for _ in 0..<3 { #expect(run.submit(Self.ids)) }
        let started = Clock.monotonic
        run.indexer.stop(within: .milliseconds(50))
        #expect(Clock.monotonic - started < 5_000_000_000)
        #expect(run.results.withLock { $0 } == [.abandoned, .abandoned, .abandoned])
    }

    @Test("sends no document before the store is prepared")
    func prepares() async throws {
        let store = try FaultyStore { request in
            switch (request.method, request.path) {
            case ("GET", "/"):
                request.number == 0
                    ? .status(503, "starting") : .status(200, #"{"version":{"number":"8.15.3"}}"#)
            case ("PUT", _): .status(200, #"{"acknowledged":true}"#)
            case ("GET", _): .status(404, "{}")
            default: .items(request.ids.map { _ in 201 })
            }
        }
        defer { store.stop() }
        var settings = ElasticsearchSettings(hosts: [try store.address])
        settings.retry = Backoff(initial: .milliseconds(4), maximum: .milliseconds(20))
        let indexer = BulkIndexer(settings, service: "test", metrics: Metrics()) { _, _ in }
        let batch = indexer.emptyBatch()
        batch.append(
            index: Array("nginx-2026.11.22".utf8).span.bytes,
            id: Array("a".utf8).span.bytes,
            document: Array("{}".utf8).span.bytes
        )
        let counter = Counter()
        #expect(indexer.submit(batch) { _ in counter.add() })
        try indexer.start(setup: ElasticsearchSetup(templates: [IndexTemplate()]))
        while counter.total < 1 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(
            store.requests.map { "\($0.method) \($0.path.prefix { $0 != "?" })" } == [
                "GET /", "GET /", "GET /_ilm/policy/nginx", "PUT /_ilm/policy/nginx",
                "GET /_index_template/nginx", "PUT /_index_template/nginx", "POST /_bulk",
            ]
        )
        indexer.stop(within: .seconds(1))
    }
}

/// Holds threads back until it is opened.
private final class Gate: @unchecked Sendable {
    // Sendable is true because NSCondition guards the flag.
    private let condition = NSCondition()
    private var isOpen = false

    func wait() {
        condition.withLock { while !isOpen { condition.wait() } }
    }

    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
        }
    }
}
