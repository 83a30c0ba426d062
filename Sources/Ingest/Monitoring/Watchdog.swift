import Common

/// Tells the service manager that every worker's loop turns.
///
/// At each tick the workers are asked; one that has not answered the last question is stuck, and then nothing is told.
struct Watchdog {
    private let manager: ServiceManager?
    private let mailboxes: [WorkerMailbox]
    private var asked = 0

    /// - Parameter manager: nil, or without a watchdog, for nothing to do.
    init(_ manager: ServiceManager?, mailboxes: [WorkerMailbox]) {
        self.manager = manager?.watchdogInterval == nil ? nil : manager
        self.mailboxes = mailboxes
    }

    mutating func tick() {
        guard let manager else { return }
        guard mailboxes.allSatisfy({ $0.pulsesAnswered == asked }) else { return }
        manager.tell(.watchdog)
        asked += 1
        for mailbox in mailboxes { mailbox.send(.pulse) }
    }
}
