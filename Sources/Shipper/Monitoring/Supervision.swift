import Common

/// What the event loop tells the service manager, and when.
///
/// The loop calls `turned` after each of its turns; one that is stuck does not, and the watchdog notices.
struct Supervision {
    /// How often the text for people is renewed, at most; never worth a wake-up.
    private static let statusInterval: Int64 = 10_000_000_000

    private let manager: ServiceManager?
    private var isReady = false
    private var watchdogAt: Int64 = 0
    private var statusAt: Int64 = 0
    private var status = ""

    init(_ manager: ServiceManager?) { self.manager = manager }

    /// When `turned` must be called at the latest; nil when nobody watches.
    var deadline: Int64? { manager?.watchdogInterval == nil ? nil : watchdogAt }

    mutating func turned(now: Int64, isStopping: Bool, status text: () -> String) {
        guard let manager else { return }
        if !isReady {
            isReady = true
            manager.tell(.ready)
        }
        if let interval = manager.watchdogInterval, now >= watchdogAt {
            manager.tell(.watchdog)
            watchdogAt = now + interval.nanoseconds
        }
        guard now >= statusAt, !isStopping else { return }
        statusAt = now + Self.statusInterval
        let text = text()
        guard text != status else { return }
        status = text
        manager.tell(.status(text))
    }

    func reloading(now: Int64) { manager?.tell(.reloading(at: now)) }

    func reloaded() { manager?.tell(.ready) }

    func stopping() { manager?.tell(.stopping) }
}
