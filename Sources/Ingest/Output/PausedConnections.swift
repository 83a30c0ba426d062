import Synchronization

/// How many connections are not read now, and for how long that has been so, summed over connections.
///
/// Workers change it, whoever asks reads it; times are monotonic nanoseconds.
final class PausedConnections: Sendable {
    private struct State {
        var count = 0
        /// Up to `since`.
        var nanoseconds: Int64 = 0
        var since: Int64 = 0

        mutating func advance(to now: Int64) {
            // Workers look at the clock once in a turn: one may be a little behind the other.
            guard now > since else { return }
            nanoseconds += Int64(count) * (now - since)
            since = now
        }
    }

    private let state = Mutex(State())

    func change(by amount: Int, now: Int64) {
        state.withLock { state in
            state.advance(to: now)
            state.count += amount
        }
    }

    var count: Int { state.withLock { $0.count } }

    func nanoseconds(now: Int64) -> Int64 {
        state.withLock { state in
            state.advance(to: now)
            return state.nanoseconds
        }
    }
}
