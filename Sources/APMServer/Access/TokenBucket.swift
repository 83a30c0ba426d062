import Synchronization

/// A rate limit with bursts, shared by threads without a lock.
///
/// One number stands for the bucket: the moment at which it will be full again. A token taken moves it one interval on,
/// and a moment too far ahead means that the bucket is empty (the generic cell rate algorithm of ITU-T I.371).
final class TokenBucket: Sendable {
    /// Tokens come at `rate` a second; `capacity` of them are there after a rest.
    struct Limit: Equatable, Sendable {
        let intervalNanoseconds: Int64
        let burstNanoseconds: Int64

        init(rate: Int, capacity: Int) {
            intervalNanoseconds = max(1, 1_000_000_000 / Int64(max(rate, 1)))
            burstNanoseconds = intervalNanoseconds * Int64(capacity)
        }
    }

    private let limit: Limit
    /// Monotonic nanoseconds.
    private let fullAt = Atomic<Int64>(.min / 2)

    init(_ limit: Limit) { self.limit = limit }

    /// Takes one token.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - debtNanoseconds: tokens of so much time to come may be used as well.
    /// - Returns: false when there is none; nothing is taken then.
    func take(now: Int64, debtNanoseconds: Int64 = 0) -> Bool {
        var seen = fullAt.load(ordering: .relaxed)
        while true {
            let next = max(seen, now) + limit.intervalNanoseconds
            guard next - now <= limit.burstNanoseconds + debtNanoseconds else { return false }
            let (isExchanged, original) = fullAt.weakCompareExchange(
                expected: seen,
                desired: next,
                ordering: .relaxed
            )
            if isExchanged { return true }
            seen = original
        }
    }

    /// Nanoseconds until what was used in advance has come in; 0 without debts.
    func debt(now: Int64) -> Int64 {
        max(0, fullAt.load(ordering: .relaxed) - now - limit.burstNanoseconds)
    }
}
