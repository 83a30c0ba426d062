import Synchronization

/// How many connections each thread of a server has, and each client.
final class HTTPConnectionLedger: Sendable {
    private struct Counts {
        var byThread: [Int]
        var byAddress: [String: Int] = [:]
        var total = 0
    }

    private let limit: Int
    private let addressLimit: Int
    private let counts: Mutex<Counts>

    /// - Parameter limit: of all threads; 0 for none, as with `addressLimit`.
    init(threads: Int, limit: Int, addressLimit: Int) {
        self.limit = limit > 0 ? limit : .max
        self.addressLimit = addressLimit > 0 ? addressLimit : .max
        counts = Mutex(Counts(byThread: Array(repeating: 0, count: threads)))
    }

    var total: Int { counts.withLock { $0.total } }

    var isFull: Bool { counts.withLock { $0.total >= limit } }

    /// Counts a new connection.
    ///
    /// - Returns: the thread with the fewest, which shall have it; nil when the address has its share already.
    func admit(_ address: String) -> Int? {
        counts.withLock { counts in
            // The clients of a Unix socket cannot be told apart.
            if addressLimit < .max, !address.isEmpty {
                guard counts.byAddress[address, default: 0] < addressLimit else { return nil }
                counts.byAddress[address, default: 0] += 1
            }
            counts.total += 1
            var thread = 0
            for index in counts.byThread.indices where counts.byThread[index] < counts.byThread[thread] {
                thread = index
            }
            counts.byThread[thread] += 1
            return thread
        }
    }

    /// Forgets a connection.
    ///
    /// - Returns: whether there was no room before.
    func release(thread: Int, _ address: String) -> Bool {
        counts.withLock { counts in
            let wasFull = counts.total >= limit
            counts.total -= 1
            counts.byThread[thread] -= 1
            if addressLimit < .max, let count = counts.byAddress[address] {
                counts.byAddress[address] = count > 1 ? count - 1 : nil
            }
            return wasFull
        }
    }
}
