/// How long to wait after the n-th failure in a row: doubling, with jitter, up to a limit.
///
/// Pure: it reads no clock and draws no random number.
package struct RetryDelay: Sendable {
    /// First delay and the largest.
    package struct Limits: Sendable {
        package var initial: Duration
        package var maximum: Duration

        package init(initial: Duration = .seconds(1), maximum: Duration = .seconds(60)) {
            self.initial = initial
            self.maximum = maximum
        }
    }

    private let limits: Limits
    /// Failures since the last success.
    package private(set) var failures = 0

    package init(_ limits: Limits) { self.limits = limits }

    /// Counts a failure.
    ///
    /// - Parameter random: from 0 to 1; the delay is between a half and the whole of the doubled one, so that
    ///   many senders do not come back at the same moment.
    /// - Returns: nanoseconds to wait.
    package mutating func failed(random: Double) -> Int64 {
        // 2^16 times any first delay is above any sensible maximum.
        let doubled = limits.initial.nanoseconds << Int64(min(failures, 16))
        failures += 1
        let whole = Double(min(doubled, limits.maximum.nanoseconds))
        return Int64(whole * (0.5 + 0.5 * random))
    }

    package mutating func succeeded() { failures = 0 }
}
