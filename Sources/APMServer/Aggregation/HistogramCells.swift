/// The histograms of all groups of a table: a weight for each pair of group and bucket that occurred.
///
/// One open-addressing table: a group of few durations costs few cells, and counting is one probe.
struct HistogramCells {
    struct Cell {
        /// `group << 16 | bucket`: in order of keys, cells stand by group and then by duration.
        let key: UInt64
        var weight: Int64

        var group: Int { Int(key >> 16) }
        var bucket: UInt16 { UInt16(truncatingIfNeeded: key) }
    }

    private static let empty = UInt64.max

    private var slots: [Cell]
    private(set) var count = 0
    private let maxCount: Int

    /// - Parameter maxCount: above that, durations new to a group are counted in the coarse bucket that
    ///   covers a
    ///   doubling, so that a group takes at most 26 cells more.
    init(maxCount: Int) {
        self.maxCount = maxCount
        slots = Array(repeating: Cell(key: Self.empty, weight: 0), count: 128)
    }

    @inline(__always)
    mutating func add(group: Int, bucket: UInt16, weight: Int64) {
        let key = Self.key(group, bucket)
        let slot = slot(key)
        if slots[slot].key == key {
            slots[slot].weight = slots[slot].weight.addingSaturated(weight)
        } else {
            addNew(group, bucket, weight)
        }
    }

    private mutating func addNew(_ group: Int, _ bucket: UInt16, _ weight: Int64) {
        guard count >= maxCount else { return insert(Self.key(group, bucket), weight) }
        let coarse = Self.key(group, DurationBuckets.coarse(bucket))
        let slot = slot(coarse)
        guard slots[slot].key == coarse else { return insert(coarse, weight) }
        slots[slot].weight = slots[slot].weight.addingSaturated(weight)
    }

    func forEach(_ body: (Cell) -> Void) {
        for cell in slots where cell.key != Self.empty { body(cell) }
    }

    /// All cells by group, those of a group by duration.
    func sorted() -> [Cell] { slots.filter { $0.key != Self.empty }.sorted { $0.key < $1.key } }

    @inline(__always)
    private static func key(_ group: Int, _ bucket: UInt16) -> UInt64 {
        UInt64(truncatingIfNeeded: group) << 16 | UInt64(bucket)
    }

    /// Where the cell of that key is, or the free slot where it belongs.
    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        let mask = slots.count - 1
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: mixed >> 32) & mask
        while slots[slot].key != key, slots[slot].key != Self.empty { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func insert(_ key: UInt64, _ weight: Int64) {
        if (count + 1) * 4 > slots.count * 3 {
            let old = slots
            slots = Array(repeating: Cell(key: Self.empty, weight: 0), count: old.count * 2)
            for cell in old where cell.key != Self.empty { slots[slot(cell.key)] = cell }
        }
        slots[slot(key)] = Cell(key: key, weight: weight)
        count += 1
    }
}

extension Int64 {
    /// The sum, or the nearest number that there is: senders choose weights.
    @inline(__always)
    func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
