import Common

/// Places of addresses, remembered as JSON text; belongs to one thread.
///
/// Remembered by record and not by address: a hundred thousand addresses share twenty thousand records, and the walk
/// through the tree is the cheap part.
final class GeoIPCache {
    private let source: GeoIPSource
    private var database: GeoIPDatabase?
    private var generation = -1
    private var table: GenerationTable<GeoIPEntry>
    private(set) var hits = 0
    private(set) var misses = 0

    /// Memory for the entries at most, about; a record's text takes 300 bytes.
    private static let maxBytes = 16 << 20

    /// - Parameter entries: records remembered at most.
    init(source: GeoIPSource, entries: Int = 65_536) {
        self.source = source
        table = GenerationTable(entries: entries, cost: Self.maxBytes)
        refresh()
    }

    /// Records remembered now.
    var count: Int { table.count }

    /// The place of an address; nil for private and unknown ones, and without a database.
    func entry(for address: IPAddress) -> GeoIPEntry? {
        refresh()
        guard let database, let record = database.record(for: address) else { return nil }
        // Fibonacci hashing spreads offsets that differ in few bits; the library's tree is not the sender's to shape.
        let hash = (UInt64(record) &* 0x9E37_79B9_7F4A_7C15) >> 24
        if let entry = table.find(hash, cost: \.cost, { $0.record == record }) {
            hits += 1
            return entry.members.isEmpty ? nil : entry
        }
        misses += 1
        let entry = GeoIPEntry(record: record, in: database)
        table.insert(entry, hash: hash, cost: entry.cost)
        return entry.members.isEmpty ? nil : entry
    }

    /// Takes over a new database and lets go of the old one.
    ///
    /// Every lookup does this; call it also from time to time in an idle thread, which would otherwise keep the old
    /// file's disk space in use.
    func refresh() {
        guard source.currentGeneration != generation else { return }
        (database, generation) = source.current()
        table.removeAll()
    }
}
