import Common
import Testing

@testable import Shipper

@Suite struct HostCycleTests {
    private static let second: Int64 = 1_000_000_000

    private func cycle(_ names: String..., start: Int = 0) -> HostCycle {
        let hosts = names.map { LumberjackClient.Host(name: $0, port: 5044) }
        return HostCycle(hosts, backoff: Backoff(initial: .seconds(1), maximum: .seconds(4)), start: start)
    }

    @Test("one host after the other is tried at once, then all rest, each round longer")
    func rounds() {
        let cycle = cycle("a", "b", start: 3)
        #expect(cycle.current.name == "b")
        var now: Int64 = 0
        for wait in [1, 2, 4, 4] as [Int64] {
            #expect(cycle.failed(wasConnected: false, now: now, chance: 1) == nil)
            #expect(cycle.current.name == "a")
            #expect(cycle.failed(wasConnected: false, now: now, chance: 1) == .seconds(wait))
            #expect(cycle.current.name == "b")
            #expect(cycle.restsUntil == now + wait * Self.second)
            now = cycle.restsUntil
        }
    }

    @Test("a connection that broke rests before the next host is asked; only an ack makes it short again")
    func broken() {
        let cycle = cycle("a", "b")
        #expect(!cycle.isSuspect)
        #expect(cycle.failed(wasConnected: true, now: 0, chance: 0) == .milliseconds(500))
        #expect(cycle.isSuspect)
        #expect(cycle.current.name == "b")
        #expect(cycle.failed(wasConnected: true, now: Self.second, chance: 0) == .seconds(1))
        cycle.succeeded()
        #expect(!cycle.isSuspect)
        #expect(cycle.failed(wasConnected: true, now: 9 * Self.second, chance: 0) == .milliseconds(500))
    }

    @Test("connections to one host that break together count once")
    func workers() {
        let cycle = cycle("a")
        #expect(cycle.failed(wasConnected: true, now: 0, chance: 1) == .seconds(1))
        #expect(cycle.failed(wasConnected: true, now: 0, chance: 1) == .seconds(1))
        #expect(cycle.failed(wasConnected: false, now: Self.second / 2, chance: 1) == .milliseconds(500))
        #expect(cycle.failed(wasConnected: false, now: Self.second, chance: 1) == .seconds(2))
    }

    @Test("moving on is no failure")
    func moveOn() {
        let cycle = cycle("a", "b")
        cycle.moveOn(now: 0)
        #expect(cycle.current.name == "b")
        cycle.moveOn(now: 0)
        #expect(cycle.current.name == "a")
        #expect(!cycle.isSuspect)
        #expect(cycle.restsUntil == 0)
    }

    @Test("moving on passes over a host that failed of late, and stays when all others did")
    func passOver() {
        let cycle = cycle("a", "b", "c")
        #expect(cycle.failed(wasConnected: false, now: 0, chance: 1) == nil)
        #expect(cycle.current.name == "b")
        cycle.succeeded()
        cycle.moveOn(now: Self.second)
        #expect(cycle.current.name == "c")
        cycle.moveOn(now: 2 * Self.second)
        #expect(cycle.current.name == "b")
        cycle.moveOn(now: 3 * Self.second)
        #expect(cycle.failed(wasConnected: false, now: 3 * Self.second, chance: 1) == nil)
        #expect(cycle.failed(wasConnected: false, now: 3 * Self.second, chance: 1) == nil)
        #expect(cycle.current.name == "b")
        cycle.moveOn(now: 3 * Self.second)
        #expect(cycle.current.name == "b")
        // Four seconds, the longest wait, after its failure the other is worth another try.
        cycle.moveOn(now: 7 * Self.second)
        #expect(cycle.current.name == "c")
    }

    @Test("moving on with one host stays")
    func moveOnAlone() {
        let cycle = cycle("a")
        cycle.moveOn(now: 0)
        #expect(cycle.current.name == "a")
    }
}
