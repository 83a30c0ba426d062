import Common
import Testing

@Suite("Choice of a server")
struct ElasticsearchHostsTests {
    private static let second: Int64 = 1_000_000_000

    @Test("takes the one with the fewest requests in flight, and draws among equals")
    func fewest() {
        var hosts = ElasticsearchHosts(count: 3)
        #expect(hosts.next(now: 0, random: 0.5) == .send(host: 1))
        #expect(hosts.next(now: 0, random: 0.99) == .send(host: 2))
        #expect(hosts.next(now: 0, random: 0.99) == .send(host: 0))
        hosts.finished(host: 2, .answered, started: 0, now: 1, random: 0)
        #expect(hosts.next(now: 1, random: 0) == .send(host: 2))
    }

    @Test("a dead server is probed after 1 s, 2 s, 4 s, then every 5 s, by one sender at a time")
    func probes() {
        var hosts = ElasticsearchHosts(count: 1)
        #expect(hosts.next(now: 0, random: 0) == .send(host: 0))
        hosts.finished(host: 0, .dead, started: 0, now: 0, random: 1)
        #expect(hosts.liveCount == 0)
        var now: Int64 = 0
        for seconds in [1, 2, 4, 5, 5] as [Int64] {
            let due = now + seconds * Self.second
            #expect(hosts.next(now: now, random: 0) == .wait(until: due))
            #expect(hosts.nextProbe(now: now) == .wait(until: due))
            #expect(hosts.next(now: due, random: 0) == .probe(host: 0))
            #expect(hosts.next(now: due, random: 0) == .wait(until: due + 5 * Self.second))
            hosts.probed(host: 0, isAlive: false, now: due, random: 1)
            now = due
        }
        #expect(hosts.next(now: now + 5 * Self.second, random: 0) == .probe(host: 0))
        hosts.probed(host: 0, isAlive: true, now: now, random: 1)
        #expect(hosts.next(now: now, random: 0) == .send(host: 0))
    }

    @Test("an overloaded server rests 1 s doubling to 60 s, while the others work")
    func overload() {
        var hosts = ElasticsearchHosts(count: 2)
        var now: Int64 = 0
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] as [Int64] {
            #expect(hosts.next(now: now, random: 0) == .send(host: 0))
            hosts.finished(host: 0, .overloaded(retryAfter: nil), started: now, now: now, random: 1)
            #expect(hosts.next(now: now, random: 0) == .send(host: 1))
            hosts.finished(host: 1, .answered, started: now, now: now, random: 0)
            now += seconds * Self.second
            #expect(hosts.next(now: now - 1, random: 0) == .send(host: 1))
            hosts.finished(host: 1, .answered, started: now, now: now, random: 0)
        }
        #expect(hosts.liveCount == 2)
    }

    @Test("requests that fail together count once; Retry-After is kept; an answer ends the rest")
    func together() {
        var hosts = ElasticsearchHosts(count: 1)
        for _ in 0..<3 { _ = hosts.next(now: 0, random: 0) }
        hosts.finished(host: 0, .overloaded(retryAfter: .seconds(7)), started: 0, now: 10, random: 1)
        hosts.finished(host: 0, .overloaded(retryAfter: nil), started: 0, now: 11, random: 1)
        #expect(hosts.next(now: 12, random: 0) == .wait(until: 10 + 7 * Self.second))
        hosts.finished(host: 0, .answered, started: 0, now: 13, random: 1)
        #expect(hosts.next(now: 13, random: 0) == .send(host: 0))
    }

    @Test("a server that refuses us rests for long")
    func refused() {
        var hosts = ElasticsearchHosts(count: 1)
        _ = hosts.next(now: 0, random: 0)
        hosts.finished(host: 0, .refused, started: 0, now: 0, random: 0)
        #expect(hosts.next(now: 0, random: 0) == .wait(until: 30 * Self.second))
    }
}
