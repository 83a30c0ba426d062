import Common
import Testing

@testable import APMServer

@Suite("Roll-up state")
struct RollUpStateTests {
    /// 2023-11-14T22:59:30Z: the next minute is also the next ten minutes and the next hour.
    private let start: Int64 = 1_700_002_770

    private func counted(_ minutes: Int64..., at hash: KeyedHash) -> RollUpTable? {
        let tables = RollUpTables(limits: .small(), hash: hash)
        for minute in minutes {
            var event = TestEvent()
            event.minute = minute
            event.transaction(tables)
        }
        return tables.take()
    }

    /// `interval time count` of each document of a flush.
    private func lines(_ flush: RollUpFlush) throws -> [String] {
        try RollUpHarness.documents(of: flush).map { document in
            let interval = document.text("metricset.interval") ?? ""
            return "\(interval) \(document.text("@timestamp") ?? "") \(document.number("_doc_count") ?? 0)"
        }
    }

    @Test("minutes go into ten minutes, and those into hours; late events keep their time")
    func story() throws {
        var state = RollUpState(limits: .small(), hash: KeyedHash(), now: start)
        let minute = start - 30
        state.merge(try #require(counted(minute, minute, minute - 3600, at: state.hash)))
        #expect(state.nextBoundary == start + 30)
        let early = state.close(now: start + 29)
        #expect(!early && state.flushes.isEmpty)
        let due = state.close(now: start + 30)
        #expect(due)
        #expect(
            try lines(state.flushes[0]) == [
                "1m 2023-11-14T22:59:00.000Z 2", "1m 2023-11-14T21:59:00.000Z 1",
                "10m 2023-11-14T22:50:00.000Z 2", "10m 2023-11-14T21:50:00.000Z 1",
                "60m 2023-11-14T22:00:00.000Z 2", "60m 2023-11-14T21:00:00.000Z 1",
            ]
        )
        state.removeFlush()

        // Two minutes of the next hour, the second with a late event of the first.
        state.merge(try #require(counted(minute + 60, at: state.hash)))
        _ = state.close(now: start + 90)
        #expect(try lines(state.flushes[0]) == ["1m 2023-11-14T23:00:00.000Z 1"])
        state.removeFlush()
        state.merge(try #require(counted(minute + 60, minute + 120, at: state.hash)))
        _ = state.close(now: start + 150)
        #expect(
            try lines(state.flushes[0])
                == ["1m 2023-11-14T23:00:00.000Z 1", "1m 2023-11-14T23:01:00.000Z 1"]
        )
        state.removeFlush()

        // The stop: nothing new in this minute, but in the ten minutes and the hour.
        state.closeAll()
        #expect(
            try lines(state.flushes[0]) == [
                "10m 2023-11-14T23:00:00.000Z 3", "60m 2023-11-14T23:00:00.000Z 3",
            ]
        )
        state.removeFlush()
        state.closeAll()
        #expect(state.flushes.isEmpty)
    }

    @Test("an interval without events makes no flush")
    func nothing() {
        var state = RollUpState(limits: .small(), hash: KeyedHash(), now: start)
        let isAny = state.close(now: start + 7200)
        #expect(!isAny && state.flushes.isEmpty)
        #expect(state.nextBoundary == start + 7200 + 30)
    }

    @Test("a clock that is set back does not keep intervals open")
    func clock() {
        var state = RollUpState(limits: .small(), hash: KeyedHash(), now: start)
        state.look(now: start - 86400)
        #expect(state.nextBoundary == start - 86400 + 30)
        state.look(now: start)
        #expect(state.nextBoundary == start - 86400 + 30)
    }

    @Test("ids differ between groups, kinds, intervals and flushes, and not when a flush is written again")
    func ids() throws {
        var state = RollUpState(limits: .small(), hash: KeyedHash(), now: start)
        for _ in 0..<2 {
            let tables = RollUpTables(limits: .small(), hash: state.hash)
            var event = TestEvent()
            event.event = ""
            for minute in 0..<3 {
                event.minute = start / 60 * 60 - Int64(minute) * 60
                event.transaction(tables)
                // The same key for another kind.
                event.serviceTransaction(tables, type: event.transaction)
                event.summary(tables)
            }
            state.merge(try #require(tables.take()))
            state.closeAll()
        }
        let ids = try state.flushes.flatMap { try RollUpHarness.documents(of: $0) }.map(\.id)
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.utf8.count == 20 && $0.first != "_" && $0.first != "-" })
        #expect(ids == (try state.flushes.flatMap { try RollUpHarness.documents(of: $0) }.map(\.id)))
    }
}
