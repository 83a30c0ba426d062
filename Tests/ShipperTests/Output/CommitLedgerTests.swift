import Common
import Testing

@testable import Shipper

@Suite struct CommitLedgerTests {
    private let file = FileState(key: FileKey(device: 1, inode: 2, birth: 0), path: "/a.log", lastSeen: 0)

    /// Windows 1, 2, … of one file, ten bytes each.
    private func ledger(_ count: UInt64) -> CommitLedger {
        var ledger = CommitLedger()
        for id in 1...count { ledger.submit(batch(id)) }
        return ledger
    }

    private func batch(_ id: UInt64) -> Batch {
        let progress = Batch.Progress(file: file, offset: Int64(id) * 10, fingerprint: .empty)
        var frames = ByteBuffer()
        frames.append("2W…" as String)
        return Batch(id: id, count: 1, frames: frames, progress: [progress], lineBytes: 10)
    }

    @Test(
        "a window counts as stored when all before it are, in whatever order acks come",
        arguments: [
            ([1, 2, 3, 4], [10, 20, 30, 40]), ([2, 1, 3, 4], [0, 20, 30, 40]),
            ([4, 3, 2, 1], [0, 0, 0, 40]),
            ([3, 1, 4, 2], [0, 10, 10, 40]), ([2, 3, 4], [0, 0, 0]), ([1, 3, 4], [10, 10, 10]),
        ] as [([UInt64], [Int64])]
    )
    func inOrder(_ acks: [UInt64], offsets: [Int64]) {
        var ledger = ledger(4)
        var stored: [UInt64] = []
        let seen = acks.map { id -> Int64 in
            _ = ledger.acknowledged(id)
            for batch in ledger.takeCommitted() {
                batch.store()
                stored.append(batch.id)
            }
            return file.offset
        }
        #expect(seen == offsets)
        #expect(stored == stored.sorted())
        #expect(ledger.unacknowledged == 4 - acks.count)
        #expect(ledger.count == 4 - stored.count)
    }

    @Test("an ack of the oldest says so; a second one, or one of no window, says and does nothing")
    func oldest() {
        var ledger = ledger(3)
        let answers = ([2, 2, 9] as [UInt64]).map { ledger.acknowledged($0) }
        #expect(answers == [false, false, false])
        #expect(ledger.unacknowledged == 2)
        let oldest = ledger.acknowledged(1)
        #expect(oldest)
        let stored = ledger.takeCommitted().map(\.id)
        #expect(stored == [1, 2])
        let again = ledger.acknowledged(1)
        #expect(!again)
        let none = ledger.takeCommitted()
        #expect(none.isEmpty)
    }

    @Test("what waits for an earlier window holds no bytes to send, and there is a bound on it")
    func bound() {
        var ledger = CommitLedger()
        ledger.submit(batch(1))
        for id in 2...UInt64(CommitLedger.maxHeldBack + 1) {
            #expect(!ledger.isFull)
            ledger.submit(batch(id))
            _ = ledger.acknowledged(id)
            #expect(ledger.youngest?.frames.count == 0)
        }
        #expect(ledger.isFull)
        _ = ledger.acknowledged(1)
        #expect(!ledger.isFull)
        #expect(ledger.count == 0)
        let committed = ledger.takeCommitted()
        #expect(committed.count == CommitLedger.maxHeldBack + 1)
        #expect(committed.first.map { $0.frames.count > 0 } == true)
    }

    @Test("progress without events belongs to the youngest window, also to one that waits")
    func youngest() {
        var ledger = ledger(2)
        _ = ledger.acknowledged(2)
        #expect(ledger.youngest?.id == 2)
        _ = ledger.acknowledged(1)
        #expect(ledger.youngest == nil)
    }
}
