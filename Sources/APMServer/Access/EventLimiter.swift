import Synchronization

/// The token buckets of anonymous clients by address, the least recently used one given up first.
///
/// When all are in use, a new client takes over the bucket of the one it displaces, as it is: many addresses do not
/// get their owner more than the buckets hold. Shared by the workers.
final class EventLimiter: Sendable {
    private struct Entry {
        var address: String
        let bucket: TokenBucket
        /// Neighbours in the order of use: towards the newest, towards the oldest; -1 for none.
        var newer = -1
        var older = -1
    }

    private struct State: Sendable {
        var entries: [Entry] = []
        var indices: [String: Int] = [:]
        var newest = -1
        var oldest = -1

        mutating func touch(_ index: Int) {
            guard index != newest else { return }
            let (newer, older) = (entries[index].newer, entries[index].older)
            if newer >= 0 { entries[newer].older = older }
            if older >= 0 { entries[older].newer = newer } else { oldest = newer }
            link(index)
        }

        /// Puts an entry that is nowhere in the order at its new end.
        mutating func link(_ index: Int) {
            entries[index].newer = -1
            entries[index].older = newest
            if newest >= 0 { entries[newest].newer = index } else { oldest = index }
            newest = index
        }
    }

    private let limit: TokenBucket.Limit
    private let maxAddresses: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - eventsPerSecond: of one address; three times as many at once after a rest.
    ///   - addresses: buckets kept.
    init(eventsPerSecond: Int, addresses: Int) {
        limit = TokenBucket.Limit(rate: eventsPerSecond, capacity: 3 * eventsPerSecond)
        maxAddresses = max(addresses, 1)
    }

    /// The bucket of that client.
    func bucket(of address: String) -> TokenBucket {
        state.withLock { state in
            if let index = state.indices[address] {
                state.touch(index)
                return state.entries[index].bucket
            }
            if state.entries.count < maxAddresses {
                let index = state.entries.count
                state.entries.append(Entry(address: address, bucket: TokenBucket(limit)))
                state.indices[address] = index
                state.link(index)
                return state.entries[index].bucket
            }
            let index = state.oldest
            state.indices[state.entries[index].address] = nil
            state.entries[index].address = address
            state.indices[address] = index
            state.touch(index)
            return state.entries[index].bucket
        }
    }
}
