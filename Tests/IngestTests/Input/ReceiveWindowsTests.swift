import Testing

@testable import Ingest

/// A reference to the value under test, so that its mutating functions can stand inside `#expect`.
private final class Windows {
    private var value = ReceiveWindows()
    var count: Int { value.count }
    var isReceiving: Bool { value.isReceiving }
    var isBusy: Bool { value.isBusy }
    func begin() -> ReceiveWindows.ID { value.begin() }
    func sent(_ id: Int, documents: Int = 1) { value.sent(id, documents: documents) }
    func stored(_ id: Int, documents: Int) { value.stored(id, documents: documents) }
    func complete(sequence: UInt32) { value.complete(sequence: sequence) }
    func nextAck() -> UInt32? { value.nextAck() }
}

private final class Lane {}

private final class Budget {
    private var value: MemoryBudget
    var used: Int { value.used }
    init(limit: Int) { value = MemoryBudget(limit: limit) }
    private let lanes = (Lane(), Lane())
    func grant(_ holder: UInt64, ofOtherLane: Bool = false, bytes: Int) -> Bool {
        value.grant(holder, of: ObjectIdentifier(ofOtherLane ? lanes.1 : lanes.0), bytes: bytes)
    }
    func release(_ holder: UInt64) { value.release(holder) }
}

@Suite("Receive windows")
struct ReceiveWindowsTests {
    @Test("a window is acknowledged when it is complete and all its documents are stored")
    func oneWindow() {
        let windows = Windows()
        let id = windows.begin()
        windows.sent(id, documents: 2)
        #expect(windows.isReceiving && windows.isBusy)
        #expect(windows.nextAck() == nil)
        windows.stored(id, documents: 2)
        #expect(windows.nextAck() == nil, "stored, but more events are to come")
        windows.sent(id)
        windows.complete(sequence: 3)
        #expect(windows.nextAck() == nil, "complete, but not all is stored")
        windows.stored(id, documents: 1)
        #expect(windows.nextAck() == 3)
        #expect(windows.nextAck() == nil)
        #expect(!windows.isBusy)
    }

    @Test("acks keep the order of arrival when a later window is stored first")
    func order() {
        let windows = Windows()
        let first = windows.begin()
        windows.sent(first)
        windows.complete(sequence: 1)
        let second = windows.begin()
        windows.sent(second)
        windows.complete(sequence: 7)
        windows.stored(second, documents: 1)
        #expect(windows.nextAck() == nil)
        windows.stored(first, documents: 1)
        #expect(windows.nextAck() == 1)
        #expect(windows.nextAck() == 7)
        #expect(windows.count == 0)
    }

    @Test("a window split over several bulks waits for all of them")
    func split() {
        let windows = Windows()
        let id = windows.begin()
        windows.sent(id, documents: 500)
        windows.sent(id, documents: 500)
        windows.complete(sequence: 1000)
        windows.stored(id, documents: 500)
        #expect(windows.nextAck() == nil)
        windows.stored(id, documents: 500)
        #expect(windows.nextAck() == 1000)
    }

    @Test("an answer for a window that is gone changes nothing")
    func unknown() {
        let windows = Windows()
        let id = windows.begin()
        windows.complete(sequence: 0)
        #expect(windows.nextAck() == 0)
        windows.stored(id, documents: 1)
        windows.stored(99, documents: 1)
        #expect(windows.nextAck() == nil)
    }
}

@Suite("Memory budget")
struct MemoryBudgetTests {
    private let free = MemoryBudget.freeBytes

    @Test("small buffers cost nothing")
    func small() {
        let budget = Budget(limit: 10)
        for holder in 0..<100 { #expect(budget.grant(UInt64(holder), bytes: free)) }
        #expect(budget.used == 0)
    }

    @Test("what exceeds the budget waits until something is given back")
    func waits() {
        let budget = Budget(limit: 10 * free)
        #expect(budget.grant(1, bytes: 6 * free))
        #expect(!budget.grant(2, bytes: 6 * free))
        #expect(budget.grant(3, bytes: 4 * free))
        #expect(budget.used == 10 * free)
        budget.release(1)
        #expect(budget.grant(2, bytes: 6 * free))
        #expect(budget.grant(2, bytes: free))
        #expect(budget.used == 4 * free)
    }

    @Test("one connection is always served")
    func oneAlways() {
        let budget = Budget(limit: 2 * free)
        #expect(budget.grant(1, bytes: 100 * free))
        #expect(!budget.grant(2, bytes: 2 * free))
        #expect(budget.grant(1, bytes: 200 * free), "the favoured one may grow")
        budget.release(1)
        #expect(budget.used == 0)
        #expect(budget.grant(2, bytes: 100 * free))
    }

    @Test("one connection of each lane is always served")
    func oneOfEachLane() {
        let budget = Budget(limit: 2 * free)
        #expect(budget.grant(1, bytes: 100 * free))
        #expect(!budget.grant(2, bytes: 2 * free))
        #expect(budget.grant(3, ofOtherLane: true, bytes: 50 * free))
        #expect(!budget.grant(4, ofOtherLane: true, bytes: 2 * free))
        budget.release(3)
        #expect(budget.used == 100 * free)
        #expect(budget.grant(4, ofOtherLane: true, bytes: 2 * free))
        #expect(!budget.grant(2, bytes: 2 * free), "the favoured one of its lane is still there")
    }

    @Test("two half frames cannot block each other")
    func noDeadlock() {
        let budget = Budget(limit: 10 * free)
        #expect(budget.grant(1, bytes: 5 * free))
        #expect(budget.grant(2, bytes: 5 * free))
        #expect(!budget.grant(2, bytes: 8 * free))
        #expect(budget.grant(1, bytes: 8 * free))
        budget.release(1)
        #expect(budget.grant(2, bytes: 8 * free))
    }
}
