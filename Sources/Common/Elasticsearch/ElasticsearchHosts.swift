/// Which of several servers gets the next request.
///
/// Pure bookkeeping: it opens no connection and reads no clock; the senders do what it says and report back.
/// A server is dead only when no connection could be made, and lives again when a probe (`HEAD /`) is answered.
/// A server that answers but is overloaded or refuses us rests, without a probe.
package struct ElasticsearchHosts: Sendable {
    /// What a sender does next.
    package enum Step: Equatable, Sendable {
        /// Send to this server; `finished` must follow.
        case send(host: Int)
        /// Ask this dead server for a sign of life; `probed` must follow.
        case probe(host: Int)
        /// Nothing can be sent before this moment, unless another sender reports first.
        case wait(until: Int64)
    }

    /// How a request to a server ended.
    package enum Report: Equatable, Sendable {
        /// It did its work.
        case answered
        /// No connection.
        case dead
        /// A connection but no useful answer: 429, 5xx, time-out, cut. Seconds to stay away if it said so.
        case overloaded(retryAfter: Duration?)
        /// It refuses us (401, 403, …): nothing will change quickly.
        case refused
    }

    /// Sign of life asked of a dead server this often (after the first, quicker ones).
    package static let probeInterval = Duration.seconds(5)

    private struct Host: Sendable {
        var inFlight = 0
        var isDead = false
        /// A sender is asking for a sign of life.
        var isProbed = false
        /// Nothing is sent, or no probe made, before this moment.
        var restsUntil = Int64.min
        var delay: Backoff
        var probeDelay: Backoff
    }

    /// Nodes remembered, whatever a store lists.
    private static let maxHosts = 256

    /// By the numbers that steps and reports use: first those of the configuration.
    package private(set) var addresses: [HTTPServerAddress]
    private var hosts: [Host]
    private let configuredCount: Int
    /// The nodes that the store listed; empty until it did.
    private var nodes: Set<Int> = []
    private let limits: Backoff

    /// - Parameter addresses: those of the configuration.
    package init(_ addresses: [HTTPServerAddress], limits: Backoff = Backoff()) {
        self.limits = limits
        self.addresses = addresses
        configuredCount = addresses.count
        hosts = []
        hosts = addresses.map { _ in newHost }
    }

    private var newHost: Host {
        let probes = Backoff(initial: min(limits.initial, Self.probeInterval), maximum: Self.probeInterval)
        return Host(delay: limits, probeDelay: probes)
    }

    /// Takes the nodes that the store lists as those to use; all configured ones serve while all of these are dead.
    ///
    /// - Returns: whether others were used before.
    package mutating func use(_ listed: [HTTPServerAddress]) -> Bool {
        let before = nodes
        nodes = []
        for address in listed {
            if let number = addresses.firstIndex(of: address) ?? slot(for: address, keeping: before) {
                nodes.insert(number)
            }
        }
        return nodes != before
    }

    /// A number for a node that has none: a new one, or that of a node that is no longer listed.
    private mutating func slot(for address: HTTPServerAddress, keeping kept: Set<Int>) -> Int? {
        if hosts.count < Self.maxHosts {
            addresses.append(address)
            hosts.append(newHost)
            return hosts.count - 1
        }
        let free = hosts.indices.dropFirst(configuredCount).first { number in
            !nodes.contains(number) && !kept.contains(number) && hosts[number].inFlight == 0
                && !hosts[number].isProbed
        }
        guard let free else { return nil }
        addresses[free] = address
        hosts[free] = newHost
        return free
    }

    /// Whether anything is asked of a server at all.
    private func isKnown(_ number: Int) -> Bool { number < configuredCount || nodes.contains(number) }

    /// The servers that requests go to.
    private var inUse: [Int] {
        let all = hosts.indices.filter(isKnown)
        let listed = all.filter(nodes.contains)
        return listed.contains { !hosts[$0].isDead } ? listed : all
    }

    /// The live server with the fewest requests in flight, drawn among equals.
    ///
    /// A probe that is due comes first, so that a returned server is noticed under load too.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - random: from 0 up to, not including, 1.
    package mutating func next(now: Int64, random: Double) -> Step {
        if case .probe(let host) = nextProbe(now: now) { return .probe(host: host) }
        let used = inUse
        let ready = used.filter { !hosts[$0].isDead && hosts[$0].restsUntil <= now }
        guard let fewest = ready.map({ hosts[$0].inFlight }).min() else {
            let waiting = used.filter { !hosts[$0].isProbed }.map { hosts[$0].restsUntil }
            return .wait(until: waiting.min() ?? now + Self.probeInterval.nanoseconds)
        }
        let equals = ready.filter { hosts[$0].inFlight == fewest }
        let host = equals[min(Int(random * Double(equals.count)), equals.count - 1)]
        hosts[host].inFlight += 1
        return .send(host: host)
    }

    /// As `next`, for a sender that has nothing to send: a probe that is due, or when the next one is.
    package mutating func nextProbe(now: Int64) -> Step {
        let dead = hosts.indices.filter { isKnown($0) && hosts[$0].isDead && !hosts[$0].isProbed }
        if let due = dead.first(where: { hosts[$0].restsUntil <= now }) {
            hosts[due].isProbed = true
            return .probe(host: due)
        }
        return .wait(until: dead.map { hosts[$0].restsUntil }.min() ?? .max)
    }

    /// Records how the request to `host` ended.
    ///
    /// - Parameter started: when it was sent. Several requests that fail together count as one failure.
    package mutating func finished(
        host: Int,
        _ report: Report,
        started: Int64,
        now: Int64,
        random: Double
    ) {
        hosts[host].inFlight -= 1
        switch report {
        case .answered:
            hosts[host].delay.succeeded()
            hosts[host].probeDelay.succeeded()
            hosts[host].isDead = false
            hosts[host].restsUntil = .min
        case .dead: markDead(host, now: now, random: random)
        case .overloaded(let retryAfter):
            guard hosts[host].restsUntil <= started else { return }
            let delay = hosts[host].delay.failed(chance: random)
            hosts[host].restsUntil = now + max(delay, retryAfter ?? .zero).nanoseconds
        case .refused:
            let longest = Double(limits.maximum.nanoseconds)
            hosts[host].restsUntil = now + Int64(longest * (0.5 + 0.5 * random))
        }
    }

    /// Records whether a dead server answered its probe.
    package mutating func probed(host: Int, isAlive: Bool, now: Int64, random: Double) {
        hosts[host].isProbed = false
        guard !isAlive else {
            hosts[host].isDead = false
            hosts[host].restsUntil = .min
            hosts[host].probeDelay.succeeded()
            return
        }
        hosts[host].restsUntil = now + hosts[host].probeDelay.failed(chance: random).nanoseconds
    }

    /// Servers to which a connection can be made, as far as known.
    package var liveCount: Int { hosts.indices.count { isKnown($0) && !hosts[$0].isDead } }

    private mutating func markDead(_ host: Int, now: Int64, random: Double) {
        guard !hosts[host].isDead else { return }
        hosts[host].isDead = true
        hosts[host].restsUntil = now + hosts[host].probeDelay.failed(chance: random).nanoseconds
    }
}
