import Testing

@testable import APMServer

@Suite("Tail decisions")
struct TailDecisionsTests {
    private func key(_ number: UInt64) -> TraceKey { TraceKey(low: number, high: 0) }

    @Test("live for at least their lifetime, and at most twice as long")
    func lifetime() {
        var decisions = TailDecisions(lifetime: 100)
        decisions.remember(key(1), isKept: true, now: 1000)
        decisions.remember(key(2), isKept: false, now: 1099)
        decisions.forget(now: 1100)
        #expect(decisions.isKept(key(1)) == true && decisions.isKept(key(2)) == false)
        decisions.forget(now: 1199)
        #expect(decisions.isKept(key(2)) == false)
        decisions.forget(now: 1200)
        #expect(decisions.isKept(key(1)) == nil && decisions.isKept(key(2)) == nil && decisions.count == 0)
    }

    @Test("are bounded; the youngest stay")
    func bound() {
        var decisions = TailDecisions(lifetime: 100, maxCount: 10)
        for number in 0..<1000 { decisions.remember(key(UInt64(number)), isKept: true, now: 0) }
        #expect(decisions.count <= 20)
        #expect((990..<1000).allSatisfy { decisions.isKept(key($0)) == true })
    }
}
