import Common

/// Values by ASCII names, found by the bytes of a name without making a string of it.
struct NameTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let name: [UInt8]
        let value: Value
    }

    /// By hash of the name.
    ///
    /// Names that collide would share a place; none of those in use do.
    private var entries: [UInt64: Entry] = [:]

    init(_ values: [(name: String, value: Value)]) {
        for (name, value) in values {
            let bytes = Array(name.utf8)
            let hash = bytes.withUnsafeBytes { XXHash64.hash($0.bytes, 0..<$0.count) }
            guard entries.updateValue(Entry(name: bytes, value: value), forKey: hash) == nil else {
                fatalError("NameTable: \(name) is there twice, or has the hash of another")
            }
        }
    }

    var count: Int { entries.count }

    /// The value of the name in `range`; names with escapes are not found.
    subscript(bytes: RawSpan, range: Range<Int>) -> Value? {
        guard let entry = entries[XXHash64.hash(bytes, range)], entry.name.count == range.count else {
            return nil
        }
        let isEqual = zip(entry.name, range).allSatisfy { byte, offset in bytes[offset] == byte }
        return isEqual ? entry.value : nil
    }
}
