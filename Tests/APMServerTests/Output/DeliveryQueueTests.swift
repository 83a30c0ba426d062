import Common
import Synchronization
import Testing

@testable import APMServer

@Suite("Delivery queue")
struct DeliveryQueueTests {
    /// A queue, a clock moved by hand, a pretended spool, and what agents were told.
    private final class Story {
        var queue: DeliveryQueue
        var now: Int64 = 1000
        let answers = Answers()
        /// Ids of batches given back for reuse.
        var recycled: [String] = []
        /// Next place in the pretended spool.
        private var offset = 8

        final class Answers: Sendable {
            let list = Mutex<[String]>([])
        }

        init(memory: Int = 300, replay: Int = 150, spool: Int = 100_000, _ ledger: SpoolLedger = .init()) {
            var limits = DeliveryQueue.Limits()
            limits.after = 100
            limits.memoryBytes = memory
            limits.writeBytes = memory
            limits.replayBytes = replay
            limits.replayBatchBytes = 200
            limits.spoolBytes = spool
            queue = DeliveryQueue(limits, ledger)
        }

        /// Each has about a hundred bytes.
        func parcel(_ id: String) -> Parcel {
            let answers = answers
            return Parcel(BulkBatch.of([id], padding: 26), submitted: now) { outcome in
                answers.list.withLock { $0.append("\(id) \(outcome)") }
            }
        }

        func admit(_ parcel: Parcel) -> DeliveryQueue.Admission { queue.admit(parcel, now: now).0 }

        func perform(_ effects: DeliveryQueue.Effects) {
            for (completion, outcome) in effects.answers { completion(outcome) }
            for batch in effects.batches { recycled += batch.ids }
        }

        func stored(_ parcel: Parcel) { perform(queue.stored(parcel, now: now)) }

        func abandoned(_ parcel: Parcel) { perform(queue.abandoned(parcel)) }

        /// What the spool's thread would do now; nil when it would sleep.
        func work() -> DeliveryQueue.Work? {
            switch queue.next(now: now) {
            case .proceed(let work):
                perform(work.effects)
                return work
            case .wait: return nil
            }
        }

        var sleepsUntil: Int64? {
            if case .wait(let moment) = queue.next(now: now) { moment } else { nil }
        }

        /// Writes what `work` has, the first `count` of it.
        func write(_ work: DeliveryQueue.Work, count: Int = .max, _ failure: SpoolError? = nil) {
            let placed = work.write.prefix(count).map { parcel in
                let header = SpoolFormat.RecordHeader(
                    length: parcel.byteCount,
                    documents: 1,
                    check: 0,
                    time: CalendarTime(seconds: 5)
                )
                defer { offset += parcel.byteCount + SpoolFormat.recordHeaderBytes }
                return SpoolDirectory.Placed(segment: 1, record: SpoolRecord(offset: offset, header))
            }
            perform(queue.written(work.write, placed, failure, now: now, time: CalendarTime(seconds: 9)))
        }

        var told: [String] { answers.list.withLock { $0 } }
    }

    private static func ids(_ parcels: [Parcel]) -> [String] { parcels.flatMap(\.batch.ids) }

    @Test("touches no disk while the store is prompt")
    func prompt() {
        let story = Story()
        for number in 0..<1000 {
            let parcel = story.parcel("\(number)")
            #expect(story.admit(parcel) == .send)
            story.now += 30
            #expect(story.work() == nil)
            story.stored(parcel)
        }
        #expect(story.told.count == 1000 && Set(story.told.map { $0.split(separator: " ")[1] }) == ["kept"])
        #expect(story.recycled.count == 1000 && story.queue.freshBytes == 0)
    }

    @Test("spools what is late and goes on sending it; its success takes it out again")
    func late() throws {
        let story = Story()
        let a = story.parcel("a")
        #expect(story.admit(a) == .send)
        story.now += 50
        let b = story.parcel("b")
        #expect(story.admit(b) == .send)
        #expect(story.sleepsUntil == 1100)
        story.now = 1100
        let work = try #require(story.work())
        #expect(Self.ids(work.write) == ["a"])
        #expect(story.told == [])
        story.write(work)
        #expect(story.told == ["a kept"] && story.recycled == [])
        #expect(story.queue.ledger.records == 1 && story.queue.ledger.waiting == 0)
        story.stored(b)
        story.stored(a)
        #expect(story.told == ["a kept", "b kept"] && story.recycled == ["b", "a"])
        let last = try #require(story.work())
        #expect(last.remove == [1] && last.marks.isEmpty)
        story.queue.removed(1)
        #expect(story.queue.ledger.bytes == 0 && story.work() == nil)
    }

    @Test("answers at once when the store is done while the disk is still at it, and forgets the record")
    func race() throws {
        let story = Story()
        let a = story.parcel("a")
        _ = story.admit(a)
        story.now += 100
        let work = try #require(story.work())
        story.stored(a)
        #expect(story.told == ["a kept"] && story.recycled == [])
        story.write(work)
        #expect(story.told == ["a kept"] && story.recycled == ["a"])
        #expect(story.queue.ledger.records == 0)
        #expect(story.work()?.remove == [1])
    }

    @Test("does not delete a part of the spool that the same turn writes to")
    func writesToFinished() throws {
        let story = Story(memory: 250)
        let a = story.parcel("a")
        _ = story.admit(a)
        story.now += 100
        story.write(try #require(story.work()))
        // All of segment 1 is done, and it is the one that is appended to.
        story.stored(a)
        let b = story.parcel("b")
        #expect(story.admit(b) == .send)
        let work = try #require(story.work())
        #expect(Self.ids(work.write) == ["b"] && work.remove == [])
        story.write(work)
        #expect(story.told == ["a kept", "b kept"])
        story.abandoned(b)
        #expect(story.queue.ledger.waiting == 1)
        #expect(story.work()?.replay == [.init(segment: 1, index: 1)])
    }

    @Test("does not write what was stored before its turn")
    func overtaken() throws {
        let story = Story()
        let a = story.parcel("a")
        _ = story.admit(a)
        story.now += 100
        story.write(try #require(story.work()))
        let b = story.parcel("b")
        // The store is slow now: b is queued for the disk at once.
        _ = story.admit(b)
        story.now += 1
        story.stored(b)
        #expect(story.work().map { Self.ids($0.write) } == [])
        #expect(story.recycled == ["b"] && story.queue.writeBytes == 0)
    }

    @Test("lets nobody wait while the store is slow, and leaves the disk alone when it is prompt again")
    func slow() throws {
        let story = Story(memory: 1000)
        let parcels = ["a", "b", "c", "d"].map { story.parcel($0) }
        #expect(story.admit(parcels[0]) == .send)
        story.now += 100
        story.write(try #require(story.work()))
        #expect(story.queue.isSlow)
        #expect(story.queue.admit(parcels[1], now: story.now) == (.send, wakes: true))
        story.write(try #require(story.work()))
        #expect(story.told == ["a kept", "b kept"])
        let next = story.parcel("next")
        #expect(story.admit(next) == .send)
        story.stored(next)
        #expect(!story.queue.isSlow)
        #expect(story.admit(story.parcel("after")) == .send)
        #expect(story.work().map { Self.ids($0.write) } ?? [] == [])
    }

    @Test("spools what memory has no room for, and reads it back in order when there is room")
    func overflow() throws {
        let story = Story(memory: 250, replay: 150)
        let sent = ["a", "b"].map { story.parcel($0) }
        for parcel in sent { #expect(story.admit(parcel) == .send) }
        let spooled = ["c", "d"].map { story.parcel($0) }
        for parcel in spooled { #expect(story.admit(parcel) == .write) }
        // What waits for the disk is bounded as well.
        #expect(story.admit(story.parcel("e")) == .refuse)
        let work = try #require(story.work())
        #expect(Self.ids(work.write) == ["c", "d"])
        story.write(work)
        #expect(story.told == ["c kept", "d kept"] && story.recycled == ["c", "d"])
        #expect(story.queue.ledger.waiting == 2)
        let first = try #require(story.work())
        #expect(first.replay == [.init(segment: 1, index: 0)])
        let replayed = Parcel(
            replaying: first.replay,
            BulkBatch.of(["c"]),
            byteCount: story.queue.bytes(of: first.replay),
            submitted: story.now
        )
        story.queue.replaying(replayed)
        // One more fits, then memory for replays is used up.
        let second = try #require(story.work())
        #expect(second.replay == [.init(segment: 1, index: 1)] && story.work() == nil)
        story.stored(replayed)
        #expect(story.queue.ledger.records == 1)
        #expect(story.work()?.marks[1]?.count == 1)
    }

    @Test(
        "refuses what the spool has no room for, and nothing else",
        arguments: [
            (SpoolError.full(maxBytes: 1), false),
            (SpoolError.failed(step: "write", path: "x", cause: .noSpace), true),
        ]
    )
    func full(_ error: SpoolError, isProblem: Bool) throws {
        let story = Story(memory: 1000)
        let parcels = ["a", "b", "c"].map { story.parcel($0) }
        for parcel in parcels { _ = story.admit(parcel) }
        story.now += 100
        let work = try #require(story.work())
        story.write(work, count: 1, error)
        #expect(story.told == ["a kept", "b refused", "c refused"])
        #expect((story.queue.problem != nil) == isProblem)
        // The indexer may still store it, but it is no longer anybody's.
        story.stored(parcels[1])
        story.abandoned(parcels[2])
        #expect(story.told.count == 3 && story.recycled == ["b", "c"])
        guard isProblem else { return }
        #expect(story.queue.problem?.reason == "cannot write x: No space left on device")
        #expect(story.sleepsUntil == story.now + DeliveryQueue.retryInterval)
        story.now += DeliveryQueue.retryInterval
        #expect(story.work()?.probes == true)
        story.queue.probed(error, now: story.now, time: CalendarTime(seconds: 99))
        #expect(story.queue.problem?.since == CalendarTime(seconds: 9))
        story.now += DeliveryQueue.retryInterval
        #expect(story.work()?.probes == true)
        story.queue.probed(nil, now: story.now, time: CalendarTime(seconds: 99))
        #expect(story.queue.problem == nil && story.work() == nil)
    }

    @Test("refuses at once when it knows that the spool is full, but still tries the store")
    func knownFull() throws {
        let story = Story(memory: 250, spool: 150)
        #expect(["a", "b"].map { story.admit(story.parcel($0)) } == [.send, .send])
        #expect(["c", "d"].map { story.admit(story.parcel($0)) } == [.write, .refuse])
        #expect(story.queue.fill == 0)
        #expect(
            story.queue.refusal(of: story.parcel("d").byteCount)
                == "the spool would pass 150 bytes (spool.max_bytes)"
        )
    }

    @Test("puts everything that is not stored into the spool when the service stops, and ends then only")
    func stops() throws {
        let story = Story(memory: 1000)
        let (a, b, c) = (story.parcel("a"), story.parcel("b"), story.parcel("c"))
        _ = story.admit(a)
        story.now += 100
        story.write(try #require(story.work()))
        story.now += 1
        _ = story.admit(b)
        story.write(try #require(story.work()))
        story.queue.stop()
        // Comes too late for memory, not for the disk.
        #expect(story.admit(c) == .write)
        #expect(story.work().map { Self.ids($0.write) } == ["c"])
        #expect(story.work() == nil)
        story.stored(a)
        story.abandoned(b)
        #expect(story.queue.ledger.waiting == 1)
        var ends = false
        while let work = story.work(), !ends { ends = work.ends }
        #expect(ends && story.queue.hasEnded)
        #expect(story.admit(story.parcel("d")) == .refuse)
        #expect(story.queue.refusal(of: 1) == nil)
        #expect(story.told == ["a kept", "b kept"])
    }

    @Test("tries again what could not be read, marked or deleted, after a pause")
    func retries() throws {
        var ledger = SpoolLedger()
        let header = SpoolFormat.RecordHeader(length: 90, documents: 1, check: 0, time: .init(seconds: 1))
        ledger.found(1, [SpoolRecord(offset: 8, header), SpoolRecord(offset: 126, header)], bytes: 244)
        let story = Story(memory: 300, replay: 90, ledger)
        let work = try #require(story.work())
        #expect(work.replay.count == 1)
        let error = SpoolError.failed(step: "read", path: "x", cause: Errno(5))
        story.queue.unreadable(work.replay, error, now: story.now, time: .init(seconds: 1))
        #expect(story.queue.problem != nil && story.queue.replayBytes == 0 && story.work() == nil)
        story.now += DeliveryQueue.retryInterval
        let again = try #require(story.work())
        #expect(again.replay == work.replay)
        // Damaged: not sent, and done.
        story.queue.damaged(again.replay[0])
        #expect(story.queue.ledger.records == 1)
        let marks = try #require(story.work()).marks
        story.queue.unmarked(1, marks[1] ?? [], now: story.now)
        story.now += DeliveryQueue.retryInterval
        #expect(story.work()?.marks == marks)
    }
}
