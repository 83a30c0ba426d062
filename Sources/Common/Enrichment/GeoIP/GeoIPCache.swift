/// Places of addresses, remembered as JSON text; belongs to one thread.
///
/// The text is remembered by record: a hundred thousand addresses share twenty thousand records. In front of the walk
/// through the tree, which misses the processor's caches at each step and takes a microsecond, stands a table of
/// addresses seen lately: visitors come back within minutes.
final class GeoIPCache {
    /// What the last lookup of one address answered.
    private struct Recent {
        let address: IPAddress
        let entry: GeoIPEntry?
    }

    /// Addresses remembered, one per slot: 2.6 MB.
    private static let recentSlots = 65_536

    private let source: GeoIPSource
    private var database: GeoIPDatabase?
    private var tree: GeoIPTree?
    private var generation = -1
    private var table: GenerationTable<GeoIPEntry>
    private var recent: [Recent?]
    private(set) var hits = 0
    private(set) var misses = 0

    /// Memory for the entries at most, about; a record's text takes 300 bytes.
    private static let maxBytes = 16 << 20

    /// - Parameter entries: records remembered at most.
    init(source: GeoIPSource, entries: Int = 65_536) {
        self.source = source
        table = GenerationTable(entries: entries, cost: Self.maxBytes)
        recent = Array(repeating: nil, count: Self.recentSlots)
        refresh()
    }

    /// Records remembered now.
    var count: Int { table.count }

    /// The place of an address; nil for private and unknown ones, and without a database.
    func entry(for address: IPAddress) -> GeoIPEntry? {
        refresh()
        let mixed = (address.low ^ address.high) &* 0x9E37_79B9_7F4A_7C15
        let slot = Int(truncatingIfNeeded: mixed >> 48)
        if let known = recent[slot], known.address == address { return known.entry }
        let entry = find(address)
        recent[slot] = Recent(address: address, entry: entry)
        return entry
    }

    private func find(_ address: IPAddress) -> GeoIPEntry? {
        guard let database, let record = record(for: address, in: database) else { return nil }
        // Fibonacci hashing spreads offsets that differ in few bits; the library's tree is not the sender's to shape.
        let hash = (UInt64(record) &* 0x9E37_79B9_7F4A_7C15) >> 24
        if let entry = table.find(hash, cost: \.cost, { $0.record == record }) {
            hits += 1
            return entry.isEmpty ? nil : entry
        }
        misses += 1
        let entry = GeoIPEntry(record: record, in: database)
        table.insert(entry, hash: hash, cost: entry.cost)
        return entry.isEmpty ? nil : entry
    }

    private func record(for address: IPAddress, in database: GeoIPDatabase) -> UInt32? {
        guard address.isIPv4, tree != nil else { return database.record(for: address) }
        return tree?.record(forIPv4: UInt32(truncatingIfNeeded: address.low))
    }

    /// Takes over a new database and lets go of the old one.
    ///
    /// Every lookup does this; call it also from time to time in an idle thread, which would otherwise keep the old
    /// file's disk space in use.
    func refresh() {
        guard source.currentGeneration != generation else { return }
        (database, generation) = source.current()
        tree = database.flatMap(GeoIPTree.init)
        table.removeAll()
        for slot in recent.indices { recent[slot] = nil }
    }
}
