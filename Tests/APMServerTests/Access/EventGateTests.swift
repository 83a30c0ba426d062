import Common
import Testing

@testable import APMServer

@Suite("Event limiter")
struct EventLimiterTests {
    private static let second: Int64 = 1_000_000_000

    private func taken(_ bucket: TokenBucket, at now: Int64, debt: Int64 = 0) -> Int {
        var count = 0
        while count < 10_000, bucket.take(now: now, debtNanoseconds: debt) { count += 1 }
        return count
    }

    @Test("lets a burst of three seconds through, then the rate")
    func rate() {
        let bucket = EventLimiter(eventsPerSecond: 300, addresses: 1).bucket(of: "a")
        #expect(taken(bucket, at: 0) == 900)
        #expect(taken(bucket, at: Self.second) == 300)
        #expect(taken(bucket, at: Self.second, debt: Self.second) == 300)
        #expect(bucket.debt(now: Self.second) > Self.second * 99 / 100)
        #expect(taken(bucket, at: 2 * Self.second) == 0)
        #expect(bucket.debt(now: 2 * Self.second) == 0)
        #expect(taken(bucket, at: 100 * Self.second) == 900)
    }

    @Test("remembers the addresses used last; a new one inherits the bucket it displaces")
    func inheritance() {
        let limiter = EventLimiter(eventsPerSecond: 10, addresses: 2)
        let first = limiter.bucket(of: "a")
        let second = limiter.bucket(of: "b")
        #expect(first !== second && taken(second, at: 0) == 30)
        #expect(limiter.bucket(of: "a") === first)
        #expect(limiter.bucket(of: "c") === second)
        #expect(taken(limiter.bucket(of: "c"), at: 0) == 0)
        #expect(limiter.bucket(of: "b") === first)
        #expect(limiter.bucket(of: "c") === second)
        #expect(limiter.bucket(of: "c") === second)
        #expect(limiter.bucket(of: "a") === first)
    }

    @Test("gives no more tokens to many threads than to one")
    func threads() throws {
        let bucket = EventLimiter(eventsPerSecond: 1000, addresses: 1).bucket(of: "a")
        let total = Counter()
        let threads = try (0..<4).map { _ in
            try Thread("taker") { total.add(self.taken(bucket, at: 0)) }
        }
        for thread in threads { thread.join() }
        #expect(total.total == 3000)
    }
}

@Suite("Event gate")
struct EventGateTests {
    private func admit(_ gate: EventGate, _ agent: String, _ service: String) -> IntakeError? {
        let (agent, service) = (Array(agent.utf8), Array(service.utf8))
        return agent.withUnsafeBytes { agent in
            service.withUnsafeBytes { service in
                do throws(IntakeError) {
                    try gate.admit(agentName: agent.bytes, serviceName: service.bytes, now: 0)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    private static let prefix = "cannot handle stream: cannot process batch: "
    private static let denied = "unauthorized: anonymous access not permitted for"

    @Test(
        "allows what the lists name",
        arguments: [
            (["rum-js", "js-base"], [], "rum-js", "shop", nil),
            (["rum-js", "js-base"], [], "python", "shop", "\(denied) agent \"python\""),
            (["rum-js"], [], "rum-js2", "shop", "\(denied) agent \"rum-js2\""),
            (["rum-js"], ["shop"], "rum-js", "shop", nil),
            (["rum-js"], ["shop"], "python", "other", "\(denied) service \"other\""),
            (["rum-js"], ["shop"], "rum-js", "", "\(denied) service \"\""),
            ([], [], "python", "shop", nil),
        ] as [([String], [String], String, String, String?)]
    )
    func lists(agents: [String], services: [String], agent: String, service: String, message: String?) {
        let limiter = EventLimiter(eventsPerSecond: 1, addresses: 1)
        let gate = EventGate(AnonymousRules(agents: agents, services: services), limiter.bucket(of: "a"))
        let expected = message.map { IntakeError(status: 403, .unauthorized, Self.prefix + $0) }
        #expect(admit(gate, agent, service) == expected)
    }

    @Test("ends a stream that is too fast, a second's worth beyond the burst")
    func rate() {
        let limiter = EventLimiter(eventsPerSecond: 10, addresses: 1)
        let gate = EventGate(AnonymousRules(), limiter.bucket(of: "a"))
        for _ in 0..<30 { #expect(admit(gate, "", "") == nil) }
        #expect(gate.pause(now: 0) == 0)
        #expect(admit(gate, "", "") == nil)
        #expect(gate.pause(now: 0) == 100_000_000)
        #expect(gate.pause(now: 1) == 0)
        for _ in 0..<9 { #expect(admit(gate, "", "") == nil) }
        #expect(gate.pause(now: 0) == 1_000_000_000)
        #expect(
            admit(gate, "", "") == IntakeError(status: 429, .rateLimit, Self.prefix + "rate limit exceeded")
        )
    }

    @Test("is closed for keys that may not write")
    func closed() {
        let error = admit(.closed(), "python", "shop")
        #expect(error?.status == 403)
        #expect(error?.message.hasPrefix(Self.prefix + "unauthorized: ") == true)
    }
}
