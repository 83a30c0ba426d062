import Common
import Testing

@testable import APMServer

@Suite("Spool ledger")
struct SpoolLedgerTests {
    typealias ID = SpoolLedger.RecordID

    private func record(
        at offset: Int,
        _ length: Int = 100,
        _ state: SpoolRecord.State = .waiting,
        seconds: Int64 = 7
    ) -> SpoolRecord {
        var record = SpoolRecord(
            offset: offset,
            .init(length: length, documents: 2, check: 0, time: CalendarTime(seconds: seconds))
        )
        record.state = state
        return record
    }

    /// Two segments of an earlier run, three records each, the first one done.
    private var found: SpoolLedger {
        var ledger = SpoolLedger()
        ledger.found(
            3,
            [record(at: 8, 100, .done), record(at: 136, seconds: 9), record(at: 264)],
            bytes: 392
        )
        ledger.found(5, [record(at: 8), record(at: 136), record(at: 264)], bytes: 392)
        return ledger
    }

    @Test("counts what an earlier run left")
    func counts() {
        let ledger = found
        #expect(ledger.bytes == 784 && ledger.records == 5 && ledger.documents == 10 && ledger.waiting == 5)
        #expect(ledger.oldest == CalendarTime(seconds: 9))
        #expect(ledger.finished == [])
    }

    @Test("gives the oldest records first, each once, up to a size and never over the edge of a segment")
    func order() {
        var ledger = found
        #expect(ledger.take(maxBytes: 150) == [ID(segment: 3, index: 1)])
        #expect(ledger.take(maxBytes: 1000) == [ID(segment: 3, index: 2)])
        #expect(ledger.take(maxBytes: 200) == [ID(segment: 5, index: 0), ID(segment: 5, index: 1)])
        #expect(ledger.take(maxBytes: 1) == [ID(segment: 5, index: 2)])
        #expect(ledger.take(maxBytes: 1000) == [] && ledger.waiting == 0 && ledger.records == 5)
        ledger.released(ID(segment: 3, index: 2))
        #expect(ledger.take(maxBytes: 1000) == [ID(segment: 3, index: 2)])
    }

    @Test("lets a segment go when all of its records are done")
    func finished() {
        var ledger = found
        ledger.done(ID(segment: 3, index: 1))
        ledger.done(ID(segment: 3, index: 1))
        #expect(ledger.finished == [] && ledger.records == 4)
        ledger.done(ID(segment: 3, index: 2))
        #expect(ledger.finished == [3] && ledger.records == 3 && ledger.waiting == 3)
        ledger.removed(3)
        #expect(ledger.finished == [] && ledger.bytes == 392)
    }

    @Test("appends to one segment after the other")
    func appends() {
        var ledger = SpoolLedger()
        let first = ledger.appended(record(at: 8, 100, .taken), to: 1)
        #expect(ledger.bytes == 136 && ledger.waiting == 0 && ledger.records == 1)
        let second = ledger.appended(record(at: 136), to: 1)
        #expect(ledger.bytes == 264 && ledger.waiting == 1)
        ledger.done(first)
        // A crash may have nothing to do with it: also the newest segment goes when it is done.
        ledger.done(second)
        #expect(ledger.finished == [1])
        ledger.removed(1)
        #expect(ledger.bytes == 0 && ledger.records == 0 && ledger.oldest == nil)
        let third = ledger.appended(record(at: 8), to: 2)
        #expect(ledger.take(maxBytes: 1) == [third])
        #expect(ledger[third]?.state == .taken && ledger[first] == nil)
    }
}
