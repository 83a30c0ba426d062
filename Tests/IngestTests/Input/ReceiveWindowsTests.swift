import Testing

@testable import Ingest

@Suite("Receive windows")
struct ReceiveWindowsTests {
    @Test("a window is acknowledged when it is complete and all its documents are stored")
    func oneWindow() {
        var windows = ReceiveWindows()
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
        var windows = ReceiveWindows()
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
        var windows = ReceiveWindows()
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
        var windows = ReceiveWindows()
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
        var budget = MemoryBudget(limit: 10)
        for holder in 0..<100 { #expect(budget.grant(UInt64(holder), bytes: free)) }
        #expect(budget.used == 0)
    }

    @Test("what exceeds the budget waits until something is given back")
    func waits() {
        var budget = MemoryBudget(limit: 10 * free)
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
        var budget = MemoryBudget(limit: 2 * free)
        #expect(budget.grant(1, bytes: 100 * free))
        #expect(!budget.grant(2, bytes: 2 * free))
        #expect(budget.grant(1, bytes: 200 * free), "the favoured one may grow")
        budget.release(1)
        #expect(budget.used == 0)
        #expect(budget.grant(2, bytes: 100 * free))
    }

    @Test("two half frames cannot block each other")
    func noDeadlock() {
        var budget = MemoryBudget(limit: 10 * free)
        #expect(budget.grant(1, bytes: 5 * free))
        #expect(budget.grant(2, bytes: 5 * free))
        #expect(!budget.grant(2, bytes: 8 * free))
        #expect(budget.grant(1, bytes: 8 * free))
        budget.release(1)
        #expect(budget.grant(2, bytes: 8 * free))
    }
}
