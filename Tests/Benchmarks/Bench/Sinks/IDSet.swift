/// Hashes of the document ids seen so far, in one table with open addressing.
struct IDSet {
    private var slots: [UInt64]
    private(set) var count = 0

    /// - Parameter expected: room for twice as many; the table doubles when it is half full.
    init(expected: Int) {
        var size = 1024
        while size < expected * 2 { size *= 2 }
        slots = Array(repeating: 0, count: size)
    }

    /// - Returns: whether the id is new. Two ids with the same 64 bits of hash count as doubles: at a million
    ///   documents one run in ten million.
    mutating func insert(_ hash: UInt64) -> Bool {
        if count * 2 >= slots.count { grow() }
        let hash = hash == 0 ? 1 : hash
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[index] != 0 {
            if slots[index] == hash { return false }
            index = (index + 1) & (slots.count - 1)
        }
        slots[index] = hash
        count += 1
        return true
    }

    private mutating func grow() {
        var larger = IDSet(expected: slots.count)
        for hash in slots where hash != 0 { _ = larger.insert(hash) }
        self = larger
    }
}
