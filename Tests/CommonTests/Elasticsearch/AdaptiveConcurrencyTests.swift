import Common
import Testing

@Suite("Adaptive concurrency")
struct AdaptiveConcurrencyTests {
    private static let second: Int64 = 1_000_000_000

    /// Sends as many requests as may be in flight, all with the same verdict, and answers the limit afterwards.
    @discardableResult
    private func round(
        _ concurrency: inout AdaptiveConcurrency,
        _ now: inout Int64,
        _ verdict: AdaptiveConcurrency.Verdict
    ) -> Int {
        var sent = 0
        while concurrency.hasRoom {
            concurrency.began()
            sent += 1
        }
        let started = now
        now += Self.second
        for _ in 0..<sent { _ = concurrency.ended(verdict, started: started, now: now) }
        now += 1
        return concurrency.limit
    }

    @Test("begins with all that is allowed, halves once for a burst of refusals, and ends at one")
    func halves() {
        var concurrency = AdaptiveConcurrency(maximum: 16)
        var now: Int64 = 0
        #expect(concurrency.limit == 16)
        #expect([8, 4, 2, 1, 1].allSatisfy { round(&concurrency, &now, .overloaded) == $0 })
    }

    @Test("grows by about one for as many good answers as are in flight, up to the maximum")
    func grows() {
        var concurrency = AdaptiveConcurrency(maximum: 6)
        var now: Int64 = 0
        for _ in 0..<4 { round(&concurrency, &now, .overloaded) }
        var limits: [Int] = []
        for _ in 0..<20 {
            while concurrency.hasRoom { concurrency.began() }
            now += 1
            let before = concurrency.limit
            let hasGrown = concurrency.ended(.good, started: now, now: now)
            limits.append(concurrency.limit)
            #expect(hasGrown == (concurrency.limit > before))
        }
        #expect(limits[0] == 2 && limits[3] == 3 && limits.last == 6)
        #expect(zip(limits, limits.dropFirst()).allSatisfy { $0 <= $1 && $1 - $0 <= 1 })
    }

    @Test("does not grow where the limit is not used, nor by requests that failed for other reasons")
    func idle() {
        var concurrency = AdaptiveConcurrency(maximum: 8)
        var now: Int64 = 0
        round(&concurrency, &now, .overloaded)
        for _ in 0..<50 {
            concurrency.began()
            let hasGrown = concurrency.ended(.good, started: now, now: now + 1)
            #expect(!hasGrown)
            now += 1
            #expect(round(&concurrency, &now, .unknown) == 4)
        }
    }

    @Test("shrinks when a byte takes three times as long as in good times, and forgets those slowly")
    func latency() {
        var concurrency = AdaptiveConcurrency(maximum: 8)
        var now: Int64 = 0
        let good = AdaptiveConcurrency.Verdict.took(Self.second / 5, bytes: 1 << 20)
        let doubled = AdaptiveConcurrency.Verdict.took(Self.second * 2 / 5, bytes: 1 << 20)
        let slow = AdaptiveConcurrency.Verdict.took(Self.second, bytes: 1 << 20)
        for _ in 0..<5 { #expect(round(&concurrency, &now, good) == 8) }
        #expect(round(&concurrency, &now, doubled) == 8)
        #expect(round(&concurrency, &now, slow) == 6)
        #expect(round(&concurrency, &now, slow) == 5)
        // A store that stays slow is the new normal in the end.
        for _ in 0..<600 { round(&concurrency, &now, slow) }
        #expect(concurrency.limit == 8)
    }

    @Test(
        "takes no answer for slow that says nothing of speed",
        arguments: [
            // Small requests, and answers within a tenth of a second.
            AdaptiveConcurrency.Verdict.took(10 * second, bytes: 1000), .took(second / 11, bytes: 1 << 20),
        ]
    )
    func silent(_ verdict: AdaptiveConcurrency.Verdict) {
        var concurrency = AdaptiveConcurrency(maximum: 4)
        var now: Int64 = 0
        for _ in 0..<5 { round(&concurrency, &now, .took(Self.second / 1000, bytes: 1 << 20)) }
        for _ in 0..<5 { #expect(round(&concurrency, &now, verdict) == 4) }
    }

    @Test(
        "a few rejections of many documents are no overload",
        arguments: [(1, 100, false), (10, 100, false), (11, 100, true), (1, 1, true)]
    )
    func share(_ row: (turnedBack: Int, documents: Int, isOverload: Bool)) {
        #expect(
            AdaptiveConcurrency.isOverload(turnedBack: row.turnedBack, of: row.documents) == row.isOverload
        )
    }
}
