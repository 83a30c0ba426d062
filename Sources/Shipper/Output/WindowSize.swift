/// How many events the next window may have.
///
/// A receiver that cannot take large windows would else be sent the same size for ever. Windows that are sealed stay
/// as they are: what is sent again is the same. Pure bookkeeping.
struct WindowSize {
    /// With `slow_start`, the first windows; the number is Filebeat's.
    static let slowStartEvents = 10
    /// Without it, no window gets smaller on its own account than this.
    static let floorEvents = 64
    /// Failures of one window that are put down to the network or a restart.
    static let toleratedFailures = 1

    private let limit: Int
    private let floor: Int
    private let slowStart: Bool
    private(set) var events: Int

    /// - Parameter limit: most events in a window, while nothing fails.
    init(limit: Int, slowStart: Bool) {
        self.limit = max(limit, 1)
        self.slowStart = slowStart
        floor = min(slowStart ? Self.slowStartEvents : Self.floorEvents, self.limit)
        events = slowStart ? floor : self.limit
    }

    /// A window of `count` events was acknowledged: the next may have half as many again.
    ///
    /// A window less than half as large as it might have been proves nothing about larger ones.
    mutating func acknowledged(_ count: Int) {
        guard events < limit, count * 2 >= events else { return }
        events = min(events + max(events / 2, 1), limit)
    }

    /// A connection was lost with a window on it that has failed `failures` times by now.
    mutating func failed(_ failures: Int) {
        guard slowStart || failures > Self.toleratedFailures else { return }
        events = max(events / 2, floor)
    }
}
