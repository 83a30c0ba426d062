/// A bounded table of entries found by hash, which forgets what was not asked for lately.
///
/// Two generations: entries are added to the young one; when that is full, the old one is dropped and the young one
/// becomes old. An entry that is found in the old generation moves to the young. So a hit costs one or two probes
/// and no bookkeeping, and a flood of entries seen once cannot push out those in use faster than in two rounds.
struct GenerationTable<Entry: AnyObject> {
    private var young: Generation
    private var old: Generation
    private let maxEntries: Int
    private let maxCost: Int

    /// - Parameters:
    ///   - entries: the most entries of both generations together.
    ///   - cost: the most that the entries' costs add up to.
    init(entries: Int, cost: Int) {
        maxEntries = max(entries / 2, 1)
        maxCost = max(cost / 2, 1)
        young = Generation()
        old = Generation()
    }

    /// Entries in both generations.
    var count: Int { young.count + old.count }
    /// Sum of the costs of all entries.
    var cost: Int { young.cost + old.cost }

    /// The entry with this hash for which `isWanted` is true.
    @inline(__always)
    mutating func find(_ hash: UInt64, cost: (Entry) -> Int, _ isWanted: (Entry) -> Bool) -> Entry? {
        if let entry = young.find(hash, isWanted) { return entry }
        guard let entry = old.find(hash, isWanted) else { return nil }
        insert(entry, hash: hash, cost: cost(entry))
        return entry
    }

    /// Adds an entry that `find` did not find.
    mutating func insert(_ entry: Entry, hash: UInt64, cost: Int) {
        if young.count >= maxEntries || (young.cost + cost > maxCost && young.count > 0) {
            swap(&young, &old)
            young.removeAll()
        }
        young.insert(entry, hash: hash, cost: cost)
    }

    mutating func removeAll() {
        young.removeAll()
        old.removeAll()
    }

    /// An open-addressing table that only grows or is emptied.
    private struct Generation {
        /// 0 where nothing is.
        private var hashes: [UInt64] = Array(repeating: 0, count: 64)
        private var entries: [Entry?] = Array(repeating: nil, count: 64)
        private(set) var count = 0
        private(set) var cost = 0

        @inline(__always)
        func find(_ hash: UInt64, _ isWanted: (Entry) -> Bool) -> Entry? {
            let mask = hashes.count - 1
            let wanted = Self.stored(hash)
            var slot = Int(truncatingIfNeeded: hash) & mask
            // The hash first: an entry that is looked at is also counted as a reference to it.
            while hashes[slot] != 0 {
                if hashes[slot] == wanted, let entry = entries[slot], isWanted(entry) { return entry }
                slot = (slot + 1) & mask
            }
            return nil
        }

        mutating func insert(_ entry: Entry, hash: UInt64, cost: Int) {
            // At most half full, so that a search ends soon.
            if (count + 1) * 2 > hashes.count { grow() }
            place(entry, hash)
            count += 1
            self.cost += cost
        }

        mutating func removeAll() {
            guard count > 0 else { return }
            for slot in entries.indices {
                entries[slot] = nil
                hashes[slot] = 0
            }
            count = 0
            cost = 0
        }

        private mutating func place(_ entry: Entry, _ hash: UInt64) {
            let mask = hashes.count - 1
            var slot = Int(truncatingIfNeeded: hash) & mask
            while hashes[slot] != 0 { slot = (slot + 1) & mask }
            entries[slot] = entry
            hashes[slot] = Self.stored(hash)
        }

        /// The topmost bit, which no slot depends on, makes every stored hash differ from 0.
        @inline(__always)
        private static func stored(_ hash: UInt64) -> UInt64 { hash | 1 << 63 }

        private mutating func grow() {
            let (oldHashes, oldEntries) = (hashes, entries)
            hashes = Array(repeating: 0, count: oldHashes.count * 2)
            entries = Array(repeating: nil, count: oldHashes.count * 2)
            for (slot, entry) in oldEntries.enumerated() {
                if let entry { place(entry, oldHashes[slot]) }
            }
        }
    }
}
