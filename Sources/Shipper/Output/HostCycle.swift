import Common

/// Which of some hosts a connection goes to, and when: the health of the hosts.
///
/// Pure: no socket and no clock, and chance is an argument. A class, because several connections to one host share
/// what is known of it.
final class HostCycle {
    private let hosts: [LumberjackClient.Host]
    private var index: Int
    /// Until when `moveOn` passes over each host.
    private var avoidedUntil: [Int64]
    private var backoff: Backoff
    /// Hosts that failed since one worked.
    private var failedHosts = 0
    /// Until when the hosts are left alone (monotonic nanoseconds).
    private(set) var restsUntil: Int64 = 0

    /// - Parameters:
    ///   - hosts: at least one.
    ///   - start: counts round the hosts.
    init(_ hosts: [LumberjackClient.Host], backoff: Backoff, start: Int = 0) {
        self.hosts = hosts
        self.backoff = backoff
        index = start % max(hosts.count, 1)
        avoidedUntil = Array(repeating: 0, count: hosts.count)
    }

    /// The host to go to.
    var current: LumberjackClient.Host { hosts[index] }

    /// Whether something failed and no ack has come since.
    var isSuspect: Bool { backoff.failures > 0 }

    /// The current host did not work, or a connection to it broke.
    ///
    /// - Returns: how long the hosts are left alone; nil when the next one may be tried at once.
    func failed(wasConnected: Bool, now: Int64, chance: Double) -> Duration? {
        // Connections that broke together count once.
        guard now >= restsUntil else { return .nanoseconds(restsUntil - now) }
        avoidedUntil[index] = now + backoff.maximum.nanoseconds
        index = (index + 1) % hosts.count
        failedHosts += 1
        guard wasConnected || failedHosts >= hosts.count else { return nil }
        failedHosts = 0
        let wait = backoff.failed(chance: chance)
        restsUntil = now + wait.nanoseconds
        return wait
    }

    /// A window was acknowledged.
    ///
    /// Only that proves that a receiver works: one that accepts and then closes would else be asked without pause.
    func succeeded() {
        backoff.succeeded()
        failedHosts = 0
        avoidedUntil[index] = 0
    }

    /// Goes to the next host, though this one works.
    ///
    /// One that failed of late is passed over: leaving a host that works for one that is down costs a time-out.
    func moveOn(now: Int64) {
        let others = (1..<max(hosts.count, 1)).map { (index + $0) % hosts.count }
        if let next = others.first(where: { now >= avoidedUntil[$0] }) { index = next }
    }
}
