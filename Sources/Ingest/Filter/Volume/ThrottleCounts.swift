import Common
import Synchronization

/// How many events each key had in each period; shared by all workers.
///
/// Two generations: when the young one is full, the old one is forgotten and the young one becomes old. So memory is
/// bounded, and a key that still comes is not forgotten.
final class ThrottleCounts: Sendable {
    private struct State: Sendable {
        var young: [SipHash.Value: Int] = [:]
        var old: [SipHash.Value: Int] = [:]
    }

    private let hash = SipHash(key: .random(in: .min ... .max), .random(in: .min ... .max))
    private let maxKeys: Int
    private let state = Mutex(State())

    /// - Parameter maxKeys: keys remembered at most, each once per period; one takes about 50 bytes.
    init(maxKeys: Int) { self.maxKeys = maxKeys }

    /// Counts an event.
    ///
    /// - Parameter slot: the number of its period.
    /// - Returns: how many there were in the period, this one included.
    func count(_ key: RawSpan, slot: Int64) -> Int {
        let name = hash.hash(key, 0..<key.byteCount, tweak: UInt64(bitPattern: slot))
        return state.withLock { state in
            if let count = state.young[name] {
                state.young[name] = count + 1
                return count + 1
            }
            let count = (state.old[name] ?? 0) + 1
            if state.young.count >= max(maxKeys / 2, 1) {
                swap(&state.young, &state.old)
                state.young.removeAll(keepingCapacity: true)
            }
            state.young[name] = count
            return count
        }
    }
}
