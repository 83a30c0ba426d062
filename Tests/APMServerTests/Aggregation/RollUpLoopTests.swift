import Common
import Glibc
import Testing

@testable import APMServer

@Suite("Roll-up loop")
struct RollUpLoopTests {
    /// A loop with a clock that is moved by hand, and a store that knows ids.
    private final class Run {
        static let second: Int64 = 1_000_000_000

        let tables: RollUpTables
        let loop: RollUpLoop
        /// 2023-11-14T22:50:30Z.
        var now: Int64
        var monotonic: Int64 = 0
        /// Every bulk that was sent.
        var bulks: [[RollUpHarness.Document]] = []
        private var inFlight = false

        init(_ folder: TemporaryFolder?, bulkBytes: Int = 1 << 20, now: Int64 = 1_700_002_230) throws {
            self.now = now
            let file = folder.map { RollUpCheckpointFile(path: "\($0.path)/rollups.checkpoint") }
            let limits = RollUpLimits.small()
            let state =
                try file?.load().map { RollUpState(restoring: $0, limits: limits, now: now) }
                ?? RollUpState(limits: limits, hash: KeyedHash(), now: now)
            let tables = RollUpTables(limits: limits, hash: state.hash)
            self.tables = tables
            loop = RollUpLoop(
                state,
                settings: .init(bulkBytes: bulkBytes),
                file: file,
                documents: RollUpHarness.documents,
                metrics: RollUpMetrics(),
                monotonic: 0,
                emptyBatch: { BulkBatch() },
                takeTables: { [tables.take()].compactMap { $0 } }
            )
        }

        /// Moves the clock to what the loop waits for, at most by `seconds`, until a bulk is sent.
        @discardableResult
        func step(_ seconds: Int64, _ outcome: Delivery.Outcome? = nil) throws -> Bool {
            let end = monotonic + seconds * Self.second
            var outcome = outcome
            while true {
                let next = loop.step(now: now, monotonic: monotonic, outcome: outcome)
                outcome = nil
                if let bulk = next.bulk {
                    bulks.append(try RollUpHarness.read(bulk))
                    return true
                }
                guard monotonic < end else { return false }
                let wanted = min(max(next.at, monotonic + Self.second), end)
                now += (wanted - monotonic) / Self.second
                monotonic = wanted
            }
        }

        /// Delivers everything within `seconds`.
        func deliver(_ seconds: Int64) throws {
            var outcome: Delivery.Outcome?
            while try step(seconds, outcome) { outcome = .kept }
        }

        func count(_ number: Int = 1) {
            for number in 0..<number {
                var event = TestEvent()
                event.minute = now / 60 * 60
                event.transaction = #""name":"\#(number)""#
                event.transaction(tables)
            }
        }
    }

    @Test("sends nothing before the boundary, everything after it, in bulks of the size asked for")
    func bulks() throws {
        let run = try Run(nil, bulkBytes: 5000)
        run.count(100)
        #expect(try !run.step(29))
        try run.deliver(10)
        #expect(run.bulks.count > 10)
        #expect(Set(run.bulks.joined().map(\.id)).count == 100)
        #expect(run.loop.isDelivered)
    }

    @Test("sends a refused bulk again after a pause, the very same documents")
    func refusal() throws {
        let run = try Run(nil, bulkBytes: 2000)
        run.count(6)
        try run.step(40)
        try run.step(0, .refused)
        #expect(run.bulks.count == 1)
        #expect(try run.step(2))
        #expect(run.bulks[0] == run.bulks[1])
        try run.step(0, .kept)
        #expect(run.bulks[2] != run.bulks[1])
    }

    @Test("keeps intervals open while a flush waits, and counts nothing twice")
    func longWait() throws {
        let run = try Run(nil)
        run.count()
        try run.step(40)
        for _ in 0..<5 {
            run.count()
            #expect(try !run.step(60))
        }
        try run.step(0, .kept)
        try run.deliver(61)
        let counts = run.bulks.joined().filter { $0.index.contains("1m") }.compactMap {
            $0.number("_doc_count")
        }
        #expect(counts.reduce(0, +) == 6)
    }

    @Test("a crash loses nothing that was in the checkpoint")
    func crashBeforeBoundary() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.count(3)
        #expect(try !first.step(11))
        // Not in the checkpoint yet.
        first.count(1)

        let second = try Run(folder, now: first.now)
        second.count(1)
        try second.deliver(60)
        let counts = second.bulks.joined().map { $0.number("_doc_count") }
        #expect(counts == [2, 1, 1])
    }

    @Test("a crash while a flush is delivered sends the same documents again, and counts later ones apart")
    func crashDuringDelivery() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder, bulkBytes: 1000)
        first.count(4)
        #expect(try first.step(40))
        // Whether the first bulk was stored is not known.
        let second = try Run(folder, now: first.now)
        second.now = first.now - 60
        second.count(1)
        second.now = first.now
        try second.deliver(61)
        let documents = second.bulks.joined()
        let repeated = documents.prefix(4)
        #expect(first.bulks[0].allSatisfy(repeated.contains))
        // The event of the same minute and key that came after the crash has a document of its own.
        #expect(documents.count == 5)
        #expect(Set(documents.map(\.id)).count == 5)
    }

    @Test("a crash after delivery, before the next checkpoint, repeats documents that are stored already")
    func crashAfterDelivery() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.count(2)
        try first.step(31)
        try first.step(0, .kept)
        #expect(first.loop.isDelivered)
        let second = try Run(folder, now: first.now)
        try second.deliver(30)
        #expect(Set(second.bulks.joined()) == Set(first.bulks.joined()))
        // The ten minutes were not over: they come once, whole.
        second.now += 600
        try second.deliver(1)
        let tens = second.bulks.joined().filter { $0.index.contains("10m") }
        #expect(tens.compactMap { $0.number("_doc_count") } == [1, 1])
    }

    @Test("the stop delivers all intervals and leaves no file")
    func stop() throws {
        let folder = try TemporaryFolder()
        let run = try Run(folder)
        run.count(2)
        run.loop.closeAll()
        try run.deliver(0)
        run.loop.end()
        #expect(
            run.bulks.joined().map { $0.text("metricset.interval") } == [
                "1m", "1m", "10m", "10m", "60m", "60m",
            ]
        )
        #expect(access("\(folder.path)/rollups.checkpoint", F_OK) != 0)
    }

    @Test("what the stop could not deliver is sent by the next start")
    func stopRefused() throws {
        let folder = try TemporaryFolder()
        let first = try Run(folder)
        first.count(1)
        first.loop.closeAll()
        #expect(try first.step(0))
        try first.step(0, .refused)
        first.loop.end()
        let second = try Run(folder, now: first.now)
        try second.deliver(1)
        #expect(second.bulks == first.bulks)
    }

    @Test("a checkpoint that cannot be written before delivery leaves none that would count twice")
    func failingCheckpoint() throws {
        let folder = try TemporaryFolder()
        let run = try Run(folder)
        run.count(1)
        #expect(try !run.step(11))
        // A directory of the temporary file's name: no checkpoint can be written any more.
        #expect(mkdir("\(folder.path)/rollups.checkpoint.new", 0o700) == 0)
        #expect(access("\(folder.path)/rollups.checkpoint", F_OK) == 0)
        try run.deliver(30)
        #expect(run.bulks.joined().count == 1)
        #expect(access("\(folder.path)/rollups.checkpoint", F_OK) != 0)
    }
}
