import Common

/// Tells the service manager that the loop of every thread that serves agents turns.
///
/// At each tick the threads are woken; one that has not turned since the last tick is stuck, and then nothing is told.
struct Watchdog {
    private let manager: ServiceManager?
    private let agents: HTTPServer
    private var turns: [Int]

    /// - Parameter manager: nil, or without a watchdog, for nothing to do.
    init(_ manager: ServiceManager?, _ agents: HTTPServer) {
        self.manager = manager?.watchdogInterval == nil ? nil : manager
        self.agents = agents
        turns = agents.turns
        if self.manager != nil { agents.wake() }
    }

    /// How often to call `tick`; nil for never.
    var interval: Duration? { manager?.watchdogInterval }

    mutating func tick() {
        guard let manager else { return }
        let now = agents.turns
        guard zip(now, turns).allSatisfy({ $0 != $1 }) else { return }
        manager.tell(.watchdog)
        turns = now
        agents.wake()
    }
}
