import Common

/// Sends windows to receivers and keeps each until it counts as stored.
///
/// Without load balancing it has one connection, to one host at a time; with it one or more to each host. A window that
/// no connection has room for waits here, and one that was on a lost connection comes back here, oldest first. It
/// connects when there is something to send.
///
///     submit ──> unassigned ──WindowShare──> LumberjackConnection ──ack──> CommitLedger ──in order──> takeStored
///                    ^                                │
///                    └─────────── lost ───────────────┘
final class LumberjackClient {
    private let settings: Settings
    private let metrics: ShipperMetrics
    private let connections: [LumberjackConnection]
    private var ledger = CommitLedger()
    private var share: WindowShare
    private var size: WindowSize
    /// Windows on no connection, oldest first.
    private var unassigned: [Batch] = []
    /// When the oldest window became the oldest.
    private var oldestSince: Int64 = 0

    init(settings: Settings, reactor: Reactor, metrics: ShipperMetrics) {
        self.settings = settings
        self.metrics = metrics
        let cycles = Self.cycles(settings)
        connections = cycles.map {
            LumberjackConnection(settings: settings, cycle: $0, reactor: reactor, metrics: metrics)
        }
        share = WindowShare(connections: connections.count)
        size = WindowSize(limit: settings.maxWindowEvents, slowStart: settings.slowStart)
        metrics.windowEvents.set(size.events)
    }

    /// One for each connection.
    private static func cycles(_ settings: Settings) -> [HostCycle] {
        guard settings.loadBalance else {
            let start = Int.random(in: 0..<max(settings.hosts.count, 1))
            return [HostCycle(settings.hosts, backoff: settings.backoff, start: start)]
        }
        return settings.hosts.shuffled().flatMap { host in
            Array(repeating: HostCycle([host], backoff: settings.backoff), count: settings.workers)
        }
    }

    /// Whether another window may be submitted.
    var hasRoom: Bool {
        ledger.unacknowledged < settings.pipelining * connections.count && !ledger.isFull
    }
    /// Windows that do not count as stored.
    var outstanding: Int { ledger.count }
    /// Whether there is a connection at all.
    var isConnected: Bool { connections.contains { $0.isConnected } }
    /// A host that failed and why, unless an ack has proved since that one works; nil when none did.
    var lastFailure: String? { connections.lazy.compactMap(\.lastFailure).first }
    /// How many events the next window may have.
    var windowEvents: Int { size.events }

    /// How long the oldest window has waited for its ack (nanoseconds).
    func oldestWindowAge(now: Int64) -> Int64 { ledger.count == 0 ? 0 : now - oldestSince }

    /// The next moment at which `tick` must be called (monotonic nanoseconds).
    var deadline: Int64? {
        var earliest: Int64?
        for connection in connections {
            let waiting = unassigned.isEmpty ? nil : connection.restsUntil
            guard let moment = connection.deadline ?? waiting else { continue }
            earliest = min(earliest ?? moment, moment)
        }
        return earliest
    }

    /// Takes a window; the caller has asked `hasRoom`.
    func submit(_ batch: Batch, now: Int64) {
        if ledger.count == 0 { oldestSince = now }
        ledger.submit(batch)
        metrics.windowsOutstanding.set(ledger.count)
        unassigned.append(batch)
        for connection in connections { connection.renewIfDue(now: now) }
        distribute(now: now)
        // So that others take part before there is more than those at work can take.
        if let another = connections.first(where: { $0.mayConnect(now: now) }) { another.connect(now: now) }
    }

    /// Adds progress without events to the youngest window; false when there is none.
    func attach(_ progress: [Batch.Progress]) -> Bool {
        guard let youngest = ledger.youngest else { return false }
        youngest.progress += progress
        return true
    }

    /// The windows that have come to count as stored since the last call, in the order of their submission.
    func takeStored() -> [Batch] { ledger.takeCommitted() }

    /// Takes what the event loop reported.
    func handle(_ event: EventLoop.Event, now: Int64) {
        for connection in connections { connection.handle(event, now: now) }
        distribute(now: now)
    }

    /// Does what time or another thread has made due.
    func tick(now: Int64) {
        for connection in connections { connection.tick(now: now) }
        distribute(now: now)
    }

    func close() {
        for connection in connections { connection.close() }
    }
}

// MARK: - Windows on their way

extension LumberjackClient {
    /// Takes from the connections what they have to say, and gives them what waits.
    private func distribute(now: Int64) {
        collect(now: now)
        while let batch = unassigned.first {
            let index = share.next { connections[$0].hasRoom(now: now) ? connections[$0].outstanding : nil }
            guard let index else { break }
            unassigned.removeFirst()
            connections[index].give(batch, now: now)
            // The write may have found the connection broken.
            collect(now: now)
        }
        guard !unassigned.isEmpty else { return }
        for connection in connections {
            connection.renewIfDue(now: now)
            if connection.mayConnect(now: now) { connection.connect(now: now) }
        }
    }

    private func collect(now: Int64) {
        for connection in connections {
            for batch in connection.takeAcknowledged() {
                metrics.windowsStored.add()
                size.acknowledged(Int(batch.count))
                if ledger.acknowledged(batch.id) { oldestSince = now }
            }
            takeBack(connection.takeReturned())
        }
        metrics.windowsOutstanding.set(ledger.count)
        metrics.windowEvents.set(size.events)
    }

    private func takeBack(_ batches: [Batch]) {
        guard !batches.isEmpty else { return }
        unassigned = (unassigned + batches).sorted { $0.id < $1.id }
        let failures = batches.map(\.failures).max() ?? 0
        if failures > 0 { size.failed(failures) }
    }
}
