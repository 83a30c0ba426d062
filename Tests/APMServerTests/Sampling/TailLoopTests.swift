import Common
import Foundation
import Synchronization
import Testing

@testable import APMServer

@Suite("Tail-based sampling")
struct TailLoopTests {
    /// What went to delivery, and what is answered there.
    private final class Store: Sendable {
        let batches = Mutex<[BulkBatch]>([])
        /// Outcome of batches that come from requests directly.
        let outcome = Mutex(Delivery.Outcome.kept)

        var sink: DocumentSink {
            DocumentSink(
                emptyBatch: { BulkBatch() },
                submit: { [self] batch, completion in
                    batches.withLock { $0.append(batch) }
                    completion(outcome.withLock { $0 })
                }
            )
        }
    }

    /// A loop with a clock that is moved by hand.
    private final class Run {
        let store = Store()
        let metrics = Metrics()
        let tail: TailMetrics
        let loop: TailLoop
        let policies: TailPolicies
        var now: Int64
        /// Ids of events in the order in which they were stored.
        var stored: [String] = []
        private let folder: TemporaryFolder

        init(
            _ folder: TemporaryFolder,
            now: Int64 = 1_700_000_000,
            bulkBytes: Int = 1 << 20,
            segmentBytes: Int = 64 << 20,
            _ change: (inout TailConfiguration) -> Void = { _ in }
        ) throws {
            self.now = now
            self.folder = folder
            var configuration = TailConfiguration()
            configuration.isEnabled = true
            // The machine that runs the tests may have a full disk.
            configuration.diskUsageThreshold = 1
            configuration.policies = [
                TailPolicy(traceName: "keep", sampleRate: 1), TailPolicy(sampleRate: 0),
            ]
            change(&configuration)
            policies = TailPolicies(configuration.policies)
            tail = TailMetrics(metrics)
            loop = try TailLoop(
                configuration,
                directory: folder.path,
                sink: store.sink,
                metrics: tail,
                now: now,
                settings: .init(bulkBytes: bulkBytes, segmentBytes: segmentBytes)
            )
        }

        /// Sends events as one batch: `span TRACE ID` or `keep TRACE ID` or `drop TRACE ID`.
        @discardableResult
        func send(_ events: String..., bytes: Int = 10) -> Delivery.Outcome? {
            let batch = TailBatch(documents: BulkBatch(), policies: policies)
            let index = Array("traces-apm-default".utf8)
            let (shop, environment): ([UInt8], [UInt8]) = (Array("shop".utf8), [])
            for event in events {
                let words = event.split(separator: " ").map { Array($0.utf8) }
                let (kind, trace, id) = (words[0], words[1], words[2])
                let document = "{\"x\":\"\(String(repeating: "x", count: bytes))\"}"
                if kind == Array("span".utf8) {
                    batch.append(index: index.span.bytes, id: id.span.bytes, trace: trace.span.bytes) {
                        $0.append(document)
                    }
                } else {
                    batch.appendRoot(
                        index: index.span.bytes,
                        id: id.span.bytes,
                        trace: trace.span.bytes,
                        service: shop.span.bytes,
                        environment: environment.span.bytes,
                        name: kind.span.bytes,
                        outcome: .success
                    ) { $0.append(document) }
                }
            }
            let answer = Mutex<Delivery.Outcome?>(nil)
            let cell = Cell(answer)
            loop.take([.init(batch: batch) { outcome in cell.value.withLock { $0 = outcome } }], now: now)
            return cell.value.withLock { $0 }
        }

        private final class Cell: Sendable {
            let value: Mutex<Delivery.Outcome?>
            init(_ value: consuming sending Mutex<Delivery.Outcome?>) { self.value = value }
        }

        /// Lets time pass and delivers what is due.
        func pass(_ seconds: Int64, _ outcome: Delivery.Outcome = .kept) throws {
            now += seconds
            loop.tick(now: now)
            while let (ticket, batch) = loop.nextBulk(now: now, monotonic: now * 1_000_000_000) {
                if outcome == .kept { stored += try RollUpHarness.read(batch).map(\.id) }
                loop.settle(ticket, outcome, now: now, monotonic: now * 1_000_000_000)
            }
        }

        /// Ids of documents that requests gave to delivery directly.
        func direct() throws -> [String] {
            try store.batches.withLock { $0 }.flatMap { try RollUpHarness.read($0) }.map(\.id)
        }
    }

    @Test("a trace waits for its root and the interval, then all of it is stored, or nothing")
    func story() throws {
        let run = try Run(try TemporaryFolder())
        #expect(run.send("span a a1", "span b b1", "span a a2") == .kept)
        try run.pass(600)
        run.send("keep a a3", "drop b b2")
        try run.pass(59)
        #expect(run.stored.isEmpty)
        run.send("span a a4", "span b b3")
        try run.pass(1)
        #expect(run.stored == ["a1", "a2", "a3", "a4"])
        // Late ones follow: at once, or not at all.
        run.send("span a a5", "span b b4")
        try run.pass(0)
        #expect(run.stored.last == "a5" && run.stored.count == 5)
        #expect(run.tail.dropped.total == 4 && run.tail.stored.total == 5)
        #expect(run.tail.heldEvents.current == 0 && run.tail.heldTraces.current == 0)
        #expect(try run.direct().isEmpty)
    }

    @Test("a trace whose root does not come is dropped after its time to live")
    func expiry() throws {
        let run = try Run(try TemporaryFolder())
        run.send("span a a1")
        try run.pass(1799)
        #expect(run.tail.heldEvents.current == 1)
        try run.pass(61)
        #expect(run.tail.heldEvents.current == 0 && run.tail.expired.total == 1)
    }

    @Test("late events are forgotten about after the time to live of the decision")
    func forgotten() throws {
        let run = try Run(try TemporaryFolder())
        run.send("drop a a1")
        try run.pass(60)
        try run.pass(1800)
        try run.pass(1800)
        run.send("span a a2")
        #expect(run.tail.heldEvents.current == 1)
    }

    @Test("what is held survives a crash, and is decided as before")
    func crash() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "span b b1", "span c c1")
        first.send("keep a a2", "drop b b2")
        // The policies of the next run are others; the roots were judged when they came.
        let second = try Run(folder, now: first.now + 10) { $0.policies = [TailPolicy(sampleRate: 1)] }
        #expect(second.tail.heldEvents.current == 5)
        try second.pass(50)
        #expect(second.stored == ["a1", "a2"])
        second.send("keep c c2")
        try second.pass(60)
        #expect(second.stored == ["a1", "a2", "c1", "c2"])
    }

    @Test("what is finished is not done again by the next run, and late events still follow")
    func crashAfterwards() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "keep a a2", "span b b1", "drop b b2", "span c c1")
        try first.pass(60)
        #expect(first.stored == ["a1", "a2"])
        let second = try Run(folder, now: first.now)
        #expect(second.tail.heldEvents.current == 1)
        second.send("span a a3", "span b b3")
        try second.pass(0)
        #expect(second.stored == ["a3"])
    }

    @Test("a crash between storing and noting so stores the same documents once more")
    func crashBetween() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "keep a a2")
        first.now += 60
        first.loop.tick(now: first.now)
        #expect(first.loop.nextBulk(now: first.now, monotonic: 0) != nil)
        let second = try Run(folder, now: first.now)
        try second.pass(0)
        #expect(second.stored == ["a1", "a2"])
    }

    @Test("a record that a crash cut off is left out, those before it are not")
    func tornTail() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "keep a a2")
        let path = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
        let file = try #require(FileHandle(forUpdatingAtPath: "\(folder.path)/\(path)"))
        try file.seekToEnd()
        try file.write(contentsOf: Data([0, 0, 0, 80, 1, 2, 3, 4, 0]))
        try file.close()
        let second = try Run(folder, now: first.now)
        second.send("span a a3")
        try second.pass(60)
        #expect(second.stored == ["a1", "a2", "a3"])
    }

    @Test("a refused bulk is stored later")
    func refused() throws {
        let run = try Run(try TemporaryFolder(), bulkBytes: 100)
        run.send("span a a1", "span a a2", "keep a a3")
        try run.pass(60, .refused)
        #expect(run.stored.isEmpty && run.tail.heldEvents.current == 3)
        try run.pass(60)
        #expect(run.stored == ["a1", "a2", "a3"])
    }

    @Test("without room events are stored at once, with the rest of their trace", arguments: [false, true])
    func full(isDiscarding: Bool) throws {
        let run = try Run(try TemporaryFolder()) {
            $0.storageBytes = 400
            $0.discardsOnWriteFailure = isDiscarding
        }
        run.send("span a a1")
        run.store.outcome.withLock { $0 = .refused }
        let answer = run.send("keep a a2", "span b b1", bytes: 300)
        try run.pass(0)
        if isDiscarding {
            #expect(answer == .kept)
            #expect(try run.direct().isEmpty && run.stored.isEmpty)
            #expect(run.tail.discarded.total == 2)
        } else {
            // The answer is delivery's.
            #expect(answer == .refused)
            #expect(try run.direct() == ["a2", "b1"])
            #expect(run.stored == ["a1"])
            #expect(run.tail.unheld.total == 2)
        }
    }

    @Test("a disk that fails, or is too full, is as no room")
    func failingDisk() throws {
        let folder = try TemporaryFolder()
        let run = try Run(folder)
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(run.send("span a a1") == .kept)
        #expect(try run.direct() == ["a1"])
        #expect(run.tail.writeFailures.total == 1)

        let full = try Run(try TemporaryFolder()) { $0.diskUsageThreshold = 0 }
        full.loop.tick(now: full.now)
        full.send("span a a1")
        #expect(try full.direct() == ["a1"])
    }

    @Test("files go when nothing in them is needed, and few events that wait do not hold many files")
    func room() throws {
        let folder = try TemporaryFolder()
        let run = try Run(folder, segmentBytes: 5000)
        for number in 0..<50 {
            run.send("span wait\(number % 5) w\(number)")
            run.send("span d\(number) d\(number)", "drop d\(number) r\(number)", bytes: 1000)
        }
        #expect(run.tail.storageBytes.current > 100_000)
        try run.pass(60)
        // Fifty events of about 130 bytes are left.
        #expect(run.tail.storageBytes.current < 20_000)
        #expect(run.tail.heldEvents.current == 50)
        // Copied, they still survive a crash.
        let next = try Run(folder, now: run.now, segmentBytes: 5000)
        #expect(next.tail.heldEvents.current == 50)
        for number in 0..<5 { next.send("keep wait\(number) k\(number)") }
        try next.pass(60)
        #expect(Set(next.stored).count == 55)
        try next.pass(1)
        try next.pass(1)
        #expect(next.tail.storageBytes.current < 1000)
    }

    @Test("files that nobody needs go even when there is no room to copy events out of others")
    func roomOnFullDisk() throws {
        let folder = try TemporaryFolder()
        let run = try Run(folder, segmentBytes: 5000)
        for number in 0..<50 { run.send("drop d\(number) r\(number)", bytes: 1000) }
        for number in 0..<50 {
            run.send("span wait w\(number)")
            run.send("drop e\(number) s\(number)", bytes: 1000)
        }
        let before = run.tail.storageBytes.current
        // No new file can be made any more.
        try FileManager.default.removeItem(atPath: folder.path)
        try run.pass(60)
        #expect(run.tail.writeFailures.total > 0)
        #expect(run.tail.storageBytes.current < before * 6 / 10)
    }

    @Test("damage costs the event that it hit, not those behind it")
    func damage() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "span a a2", "span a a3", bytes: 100)
        first.send("keep a a4")
        let path = "\(folder.path)/tail-0000000001.log"
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let second = try #require(bytes.firstIndex(of: UInt8(ascii: "}")).map { $0 + 200 })
        for index in second..<second + 40 { bytes[index] = 0 }
        try Data(bytes).write(to: URL(filePath: path))
        let next = try Run(folder, now: first.now)
        try next.pass(60)
        #expect(next.stored.count >= 2 && next.stored.contains("a1") && next.stored.last == "a4")
    }

    @Test("switched off, the next run stores all that is held")
    func switchedOff() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.send("span a a1", "span b b1", "drop b b2")
        #expect(TailLog.exists(in: folder.path))
        let second = try Run(folder, now: first.now) { $0.isEnabled = false }
        try second.pass(0)
        #expect(Set(second.stored) == ["a1", "b1", "b2"])
        try second.pass(1)
        #expect(!TailLog.exists(in: folder.path))
        #expect(!TailLog.exists(in: try TemporaryFolder().path))
    }

    @Test("the thread holds batches, and the next start stores them", .timeLimit(.minutes(1)))
    func thread() throws {
        let folder = try TemporaryFolder()
        let store = Store()
        var configuration = TailConfiguration()
        configuration.isEnabled = true
        configuration.diskUsageThreshold = 1
        configuration.policies = [TailPolicy(sampleRate: 1)]
        let answers = Monitor<[Delivery.Outcome]>([])
        let sampler = try TailSampler(
            configuration,
            directory: folder.path,
            sink: store.sink,
            metrics: Metrics()
        )
        try sampler.start()
        for number in 0..<10 {
            let batch = sampler.emptyBatch()
            let (index, id, trace) = (Array("i".utf8), Array("id\(number)".utf8), Array("t".utf8))
            batch.append(index: index.span.bytes, id: id.span.bytes, trace: trace.span.bytes) {
                $0.append("{}")
            }
            sampler.submit(batch) { outcome in answers.change { $0.append(outcome) } }
        }
        sampler.stop(within: .seconds(10))
        #expect(answers.read { $0 } == Array(repeating: .kept, count: 10))
        sampler.submit(filled(sampler)) { outcome in answers.change { $0.append(outcome) } }
        #expect(answers.read { $0.last } == .refused)
        #expect(store.batches.withLock { $0.isEmpty })

        configuration.isEnabled = false
        let next = try #require(
            try TailSampler.ifNeeded(
                configuration,
                directory: folder.path,
                sink: store.sink,
                metrics: Metrics()
            )
        )
        let delivered = Monitor(false)
        let last = filled(next)
        try next.start()
        // Answered after a round in which the thread has also sent what it found.
        next.submit(last) { _ in delivered.change { $0 = true } }
        delivered.wait { $0 ? .proceed(()) : .wait(until: Clock.monotonic + 60_000_000_000) }
        next.stop(within: .seconds(10))
        let count = store.batches.withLock { $0.reduce(0) { $0 + $1.documentCount } }
        #expect(count >= 10)
    }

    private func filled(_ sampler: TailSampler) -> TailBatch {
        let batch = sampler.emptyBatch()
        let (index, id, trace) = (Array("i".utf8), Array("last".utf8), Array("u".utf8))
        batch.append(index: index.span.bytes, id: id.span.bytes, trace: trace.span.bytes) { $0.append("{}") }
        return batch
    }
}
