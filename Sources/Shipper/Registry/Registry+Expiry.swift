import Common

/// Forgetting: states of files that have gone, by an age that no clock can falsify.
extension Registry {
    /// The first hour after a start drops nothing: file systems may be mounted late.
    static let startSeconds: Int64 = 3600
    /// The time of day may differ by so much from what has passed, before it counts as set anew.
    static let clockToleranceSeconds: Int64 = 60

    /// What the clocks said at the last look.
    struct Clocks {
        /// Monotonic nanoseconds of the first look.
        let started: Int64
        /// Monotonic nanoseconds.
        var now: Int64
        /// Seconds since 1970.
        var wall: Int64
    }

    /// Takes notice of the time, before states are marked as seen.
    ///
    /// When the time of day was set anew, forward or back, all states keep their ages.
    func observe(now: Int64, wall: Int64) {
        guard let last = clocks else {
            clocks = Clocks(started: now, now: now, wall: wall)
            // Written while the clock ran ahead.
            for state in all where state.lastSeen > wall { state.lastSeen = wall }
            return
        }
        let jump = (wall - last.wall) - (now - last.now) / 1_000_000_000
        clocks = Clocks(started: last.started, now: now, wall: wall)
        guard abs(jump) > Self.clockToleranceSeconds else { return }
        Log.warning("the time of day was set anew", ["seconds": "\(jump)"])
        for state in all { state.lastSeen += jump }
    }

    /// Drops states of files that have gone for long, and the oldest when there are very many.
    ///
    /// - Parameter retention: the rule for a state.
    func expire(isOpen: (FileKey) -> Bool, retention: (FileState) -> StateRetention) {
        guard let clocks else { return }
        let wall = clocks.wall
        let isSettled = clocks.now - clocks.started >= Self.startSeconds * 1_000_000_000
        forget(
            ended: { isSettled && wall - $0.lastSeen > Self.forgetEndedSeconds },
            gone: { state in
                guard isSettled, !isOpen(state.key), let seconds = retention(state).seconds else {
                    return false
                }
                return wall - state.lastSeen > seconds
            },
            isOpen: isOpen
        )
    }
}
