import Common
import Testing

@Suite("Choice of a server")
struct ElasticsearchHostsTests {
    private static let second: Int64 = 1_000_000_000

    private func addresses(_ numbers: Int...) throws -> [HTTPServerAddress] {
        try numbers.map { try HTTPServerAddress("http://es-\($0)") }
    }

    private func hosts(_ count: Int) throws -> ElasticsearchHosts {
        ElasticsearchHosts(try (0..<count).map { try HTTPServerAddress("http://es-\($0)") })
    }

    @Test("takes the one with the fewest requests in flight, and draws among equals")
    func fewest() throws {
        var hosts = try hosts(3)
        #expect(hosts.next(now: 0, random: 0.5) == .send(host: 1))
        #expect(hosts.next(now: 0, random: 0.99) == .send(host: 2))
        #expect(hosts.next(now: 0, random: 0.99) == .send(host: 0))
        hosts.finished(host: 2, .answered, started: 0, now: 1, random: 0)
        #expect(hosts.next(now: 1, random: 0) == .send(host: 2))
    }

    @Test("a dead server is probed after 1 s, 2 s, 4 s, then every 5 s, by one sender at a time")
    func probes() throws {
        var hosts = try hosts(1)
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
    func overload() throws {
        var hosts = try hosts(2)
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
    func together() throws {
        var hosts = try hosts(1)
        for _ in 0..<3 { _ = hosts.next(now: 0, random: 0) }
        hosts.finished(host: 0, .overloaded(retryAfter: .seconds(7)), started: 0, now: 10, random: 1)
        hosts.finished(host: 0, .overloaded(retryAfter: nil), started: 0, now: 11, random: 1)
        #expect(hosts.next(now: 12, random: 0) == .wait(until: 10 + 7 * Self.second))
        hosts.finished(host: 0, .answered, started: 0, now: 13, random: 1)
        #expect(hosts.next(now: 13, random: 0) == .send(host: 0))
    }

    @Test("a server that refuses us rests for long")
    func refused() throws {
        var hosts = try hosts(1)
        _ = hosts.next(now: 0, random: 0)
        hosts.finished(host: 0, .refused, started: 0, now: 0, random: 0)
        #expect(hosts.next(now: 0, random: 0) == .wait(until: 30 * Self.second))
    }

    @Test("uses the nodes that the store lists, and the configured ones while all of those are dead")
    func listed() throws {
        var hosts = try hosts(2)
        let areNew = [hosts.use(try addresses(7, 1)), hosts.use(try addresses(1, 7))]
        #expect(areNew == [true, false])
        #expect(try hosts.addresses == addresses(0, 1, 7))
        #expect(hosts.next(now: 0, random: 0) == .send(host: 1))
        #expect(hosts.next(now: 0, random: 0) == .send(host: 2))
        hosts.finished(host: 1, .dead, started: 0, now: 0, random: 1)
        #expect(hosts.next(now: 0, random: 0) == .send(host: 2))
        hosts.finished(host: 2, .dead, started: 0, now: 0, random: 1)
        #expect(hosts.next(now: 0, random: 0) == .send(host: 0))
        #expect(hosts.liveCount == 1)
        hosts.probed(host: 2, isAlive: true, now: 1, random: 0)
        #expect(hosts.next(now: 1, random: 0) == .send(host: 2))
    }

    @Test("forgets nodes that are no longer listed when there are too many")
    func bound() throws {
        var hosts = try hosts(1)
        for round in 0..<10 {
            let listed = try (0..<100).map { try HTTPServerAddress("http://node-\(round)-\($0)") }
            _ = hosts.use(listed)
            guard case .send(let host) = hosts.next(now: 0, random: 0) else {
                Issue.record("nothing to send to in round \(round)")
                return
            }
            #expect(listed.contains(hosts.addresses[host]))
            hosts.finished(host: host, .answered, started: 0, now: 0, random: 0)
        }
        #expect(hosts.addresses.count <= 256)
    }
}
