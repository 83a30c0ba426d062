/// Remembers what became of traces, so that their late events follow.
///
/// Two generations: a decision lives for one to two lifetimes, or until too many younger ones came. Traces
/// are told apart by 64 bits of their keys: among a million, two of one hash are not to be expected.
struct TailDecisions {
    /// Per generation; one takes about 24 bytes of memory.
    static let maxCount = 500_000

    private let lifetime: Int64
    private let maxCount: Int
    private var young: [UInt64: Bool] = [:]
    private var old: [UInt64: Bool] = [:]
    private var youngSince = Int64.min

    /// - Parameter lifetime: in seconds.
    init(lifetime: Int64, maxCount: Int = maxCount) {
        self.lifetime = lifetime
        self.maxCount = maxCount
    }

    var count: Int { young.count + old.count }

    /// Whether the trace is kept; nil when nothing is known.
    func isKept(_ trace: TraceKey) -> Bool? { young[trace.low] ?? old[trace.low] }

    mutating func remember(_ trace: TraceKey, isKept: Bool, now: Int64) {
        if young.isEmpty { youngSince = now }
        young[trace.low] = isKept
        if young.count >= maxCount { age(now) }
    }

    /// Forgets what is too old.
    mutating func forget(now: Int64) {
        // A clock that was set back makes decisions live longer, not for ever.
        if youngSince > now { youngSince = now }
        if !(young.isEmpty && old.isEmpty), now - youngSince >= lifetime { age(now) }
    }

    private mutating func age(_ now: Int64) {
        old = young
        young = [:]
        youngSince = now
    }
}
