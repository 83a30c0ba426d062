import Common
import Synchronization

/// The distinct index names of one pipeline, day by day, over all workers: a field that has a new value for each event must
/// not make an index for each.
final class IndexCap: Sendable {
    /// Days remembered; of older ones the oldest is forgotten and counts from nothing when it comes again.
    private static let maxDays = 64

    private let limit: Int
    private let names = Mutex<[Int: Set<UInt64>]>([:])

    init(limit: Int) { self.limit = limit }

    /// Whether a name may be used on a day: it is known, or there are fewer than the limit.
    ///
    /// - Parameter name: its hash.
    func admits(_ name: UInt64, day: Int) -> Bool {
        names.withLock { names in
            if names[day] == nil, names.count >= Self.maxDays, let oldest = names.keys.min() {
                names[oldest] = nil
            }
            if names[day]?.contains(name) == true { return true }
            guard names[day]?.count ?? 0 < limit else { return false }
            names[day, default: []].insert(name)
            return true
        }
    }
}
