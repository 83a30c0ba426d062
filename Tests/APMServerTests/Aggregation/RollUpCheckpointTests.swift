import Common
import Foundation
import Testing

@testable import APMServer

@Suite("Roll-up checkpoint")
struct RollUpCheckpointTests {
    /// A state with open tables, two flushes, and overflow in all of them.
    private func state() throws -> RollUpState {
        let limits = RollUpLimits.small(services: 2, transactions: 30)
        var state = RollUpState(limits: limits, hash: KeyedHash(), now: 1_700_002_770)
        for round in 0..<3 {
            let tables = RollUpTables(limits: limits, hash: state.hash)
            for number in 0..<60 {
                var event = TestEvent()
                event.service = #""service":{"name":"\#(number % 3)"}"#
                event.transaction = #""name":"\#(number % 20)""#
                event.microseconds = Int64(number * 1000 + round)
                event.transaction(tables)
                event.serviceTransaction(tables)
                event.destination(tables, top: event.service, span: "", destination: "")
                event.summary(tables)
            }
            state.merge(try #require(tables.take()))
            if round < 2 { _ = state.close(now: state.nextBoundary) }
        }
        return state
    }

    private func restored(_ state: RollUpState) throws -> RollUpState {
        let content = try RollUpCheckpoint.encode(state).withSpan { bytes throws(RollUpCheckpoint.Damage) in
            try RollUpCheckpoint.decode(bytes)
        }
        return RollUpState(restoring: content, limits: state.limits, now: 1_700_002_900)
    }

    @Test("brings everything back: flushes document for document, and what was open")
    func roundTrip() throws {
        let state = try state()
        let copy = try restored(state)
        #expect(copy.flushes.count == 2)
        for (left, right) in zip(state.flushes, copy.flushes) {
            #expect(try RollUpHarness.documents(of: left) == RollUpHarness.documents(of: right))
        }
        func open(_ state: RollUpState) throws -> Set<NSDictionary> {
            let documents = try RollUpHarness.documents(closing: state)
            return Set(documents.map(\.source).filter { !$0.description.contains("_other") })
        }
        #expect(try open(state) == open(copy))
        let lost = state.open.map { $0.lostGroups(.transaction) }
        #expect(lost == copy.open.map { $0.lostGroups(.transaction) } && lost.allSatisfy { $0 > 0 })
        // What comes later falls into the same groups.
        #expect(try restored(copy).open.map(\.groups.count) == state.open.map(\.groups.count))
    }

    @Test("cut anywhere or changed anywhere it is refused")
    func damage() throws {
        var small = RollUpState(limits: .small(), hash: KeyedHash(), now: 0)
        let tables = RollUpTables(limits: .small(), hash: small.hash)
        TestEvent().transaction(tables)
        small.merge(try #require(tables.take()))
        let bytes = RollUpCheckpoint.encode(small).array
        for length in 0..<bytes.count {
            #expect(throws: RollUpCheckpoint.Damage.self) {
                try RollUpCheckpoint.decode(Array(bytes[..<length]).span.bytes)
            }
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x10
            #expect(throws: RollUpCheckpoint.Damage.self) {
                try RollUpCheckpoint.decode(changed.span.bytes)
            }
        }
    }

    @Test("a damaged file is moved aside and counts as none; no file is none")
    func file() throws {
        let folder = try TemporaryFolder()
        let file = RollUpCheckpointFile(path: "\(folder.path)/rollups.checkpoint")
        #expect(try file.load() == nil)
        try file.save(try state())
        #expect(try file.load()?.flushes.count == 2)
        #expect(truncate(file.path, 1000) == 0)
        #expect(try file.load() == nil)
        #expect(access(file.path, F_OK) != 0 && access(file.path + ".damaged", F_OK) == 0)
        try file.save(try state())
        try file.remove()
        #expect(try file.load() == nil)
        try file.remove()
    }
}
