/// Finds rows of an array by their hash: open addressing, eight bytes a slot, nothing is ever taken out.
///
///     slot = topmost 32 bits of the hash | number of the row plus 1         0: empty
struct SlotIndex {
    private var slots: [UInt64]
    private(set) var count = 0

    /// - Parameter rows: that fit before the slots grow.
    init(rows: Int = 48) {
        var size = 64
        while size * 3 < rows * 4 { size *= 2 }
        slots = Array(repeating: 0, count: size)
    }

    /// The row with this hash for which `isMatch` is true.
    @inline(__always)
    func find(_ hash: UInt64, _ isMatch: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        let tag = hash >> 32
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 { return nil }
            if entry >> 32 == tag {
                let row = Int(entry & 0xFFFF_FFFF) - 1
                if isMatch(row) { return row }
            }
            slot = (slot + 1) & mask
        }
    }

    /// Adds a row that `find` did not find.
    ///
    /// - Parameter hashOf: the hash of a row added earlier.
    mutating func insert(_ hash: UInt64, row: Int, hashOf: (Int) -> UInt64) {
        // At most three quarters full, so that a search ends soon.
        if (count + 1) * 4 > slots.count * 3 {
            let rows = slots.filter { $0 != 0 }.map { Int($0 & 0xFFFF_FFFF) - 1 }
            slots = Array(repeating: 0, count: slots.count * 2)
            for row in rows { place(hashOf(row), row) }
        }
        place(hash, row)
        count += 1
    }

    private mutating func place(_ hash: UInt64, _ row: Int) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = hash & ~0xFFFF_FFFF | UInt64(row + 1)
    }
}
