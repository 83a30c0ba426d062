import Testing

@testable import Shipper

@Suite struct LagClockTests {
    private let second: Int64 = 1_000_000_000

    @Test("a file that is stored to its end is not behind, however long ago that was")
    func caughtUp() {
        var clock = LagClock()
        clock.see(end: 100, stored: 0, now: 1 * second)
        #expect(clock.isBehind)
        #expect(clock.age(now: 4 * second) == 3 * second)
        clock.store(100, now: 5 * second)
        #expect(!clock.isBehind)
        #expect(clock.age(now: 1000 * second) == 0)
        // And the next line counts from when it is seen.
        clock.see(end: 200, stored: 100, now: 1000 * second)
        #expect(clock.age(now: 1001 * second) == 1 * second)
    }

    @Test("a part that is stored does not make the rest younger than it is")
    func part() {
        var clock = LagClock()
        clock.see(end: 100, stored: 0, now: 10 * second)
        clock.store(60, now: 20 * second)
        #expect(clock.age(now: 30 * second) == 20 * second)
    }

    @Test(
        "a file that never rests is as old as its acks are late, at most twice",
        arguments: [1, 5, 30] as [Int64]
    )
    func steady(delay: Int64) {
        // 100 bytes a second, each stored `delay` seconds later.
        var clock = LagClock()
        for now in 0...1000 as ClosedRange<Int64> {
            let stored = max(now - delay, 0) * 100
            clock.see(end: now * 100, stored: stored, now: now * second)
            guard now > 2 * delay else { continue }
            #expect(clock.isBehind)
            #expect(clock.age(now: now * second) >= (delay - 1) * second)
            #expect(clock.age(now: now * second) <= 2 * delay * second)
        }
        // The receiver hangs: the age grows without bound.
        clock.see(end: 200_000, stored: (1000 - delay) * 100, now: 2000 * second)
        #expect(clock.age(now: 2000 * second) >= 1000 * second)
    }

    @Test("a file that shrank below what is stored is not behind")
    func truncated() {
        var clock = LagClock()
        clock.see(end: 100, stored: 50, now: 0)
        clock.see(end: 10, stored: 50, now: second)
        #expect(!clock.isBehind)
    }
}
