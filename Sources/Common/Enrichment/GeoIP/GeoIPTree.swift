/// The search tree of a database, walked for IPv4 addresses; belongs to one thread.
///
/// libmaxminddb begins at the root for each address, some twenty steps of which most miss the processor's caches. Here
/// the node behind an address's first sixteen bits is remembered, and a handful of steps is left. Every offset is checked,
/// so a damaged file costs answers and nothing more.
/// Format: MaxMind DB File Format Specification 2.0, "Binary Search Tree Section".
struct GeoIPTree {
    private static let tableBits = 16
    /// No record can have this number: records are of 32 bits at most, and this one would lie outside of any file.
    private static let unknown = UInt32.max
    /// Zero bytes between tree and data, which record numbers count.
    private static let separatorBytes: UInt32 = 16

    /// Keeps the file mapped.
    private let database: GeoIPDatabase
    private let nodes: UnsafeRawBufferPointer
    private let shape: GeoIPDatabase.TreeShape
    private let bytesPerNode: Int
    /// For the first bits of an address the node or record they lead to; 256 KiB.
    private var table = [UInt32](repeating: unknown, count: 1 << tableBits)

    /// Nil for a tree that the file cannot hold, or of a kind unknown.
    init?(_ database: GeoIPDatabase) {
        self.database = database
        shape = database.treeShape
        guard [24, 28, 32].contains(shape.recordBits) else { return nil }
        bytesPerNode = shape.recordBits / 4
        let (bytes, isTooLarge) = Int(shape.nodeCount).multipliedReportingOverflow(by: bytesPerNode)
        guard !isTooLarge, bytes <= database.mapping.count else { return nil }
        nodes = UnsafeRawBufferPointer(rebasing: database.mapping[..<bytes])
    }

    /// Where the record of an IPv4 address begins; nil when it has none.
    ///
    /// The same number as `GeoIPDatabase.record` answers.
    mutating func record(forIPv4 address: UInt32) -> UInt32? {
        let slot = Int(address >> (32 - UInt32(Self.tableBits)))
        if table[slot] == Self.unknown {
            table[slot] = walk(address, from: shape.firstNode, bits: 0..<Self.tableBits)
        }
        let record = walk(address, from: table[slot], bits: Self.tableBits..<32)
        // Below are nodes, and the number of nodes itself says that there is nothing.
        guard record > shape.nodeCount else { return nil }
        let distance = record - shape.nodeCount
        guard distance >= Self.separatorBytes, distance < shape.dataBytes else { return nil }
        return distance - Self.separatorBytes
    }

    /// Follows some bits of an address, the highest being bit 0, until a record or the last of them.
    private func walk(_ address: UInt32, from start: UInt32, bits: Range<Int>) -> UInt32 {
        var node = start
        for bit in bits {
            guard node < shape.nodeCount else { return node }
            node = child(of: node, isRight: address >> UInt32(31 - bit) & 1 == 1)
        }
        return node
    }

    @inline(__always)
    private func child(of node: UInt32, isRight: Bool) -> UInt32 {
        let offset = Int(node) * bytesPerNode
        switch (shape.recordBits, isRight) {
        case (24, false): return word(offset) >> 8
        case (24, true): return word(offset + 2) & 0x00FF_FFFF
        // The byte in the middle holds the highest four bits of the left record, then those of the right one.
        case (28, false): return word(offset) >> 8 | (word(offset) & 0xF0) << 20
        case (28, true): return word(offset + 3) & 0x0FFF_FFFF
        case (_, false): return word(offset)
        case (_, true): return word(offset + 4)
        }
    }

    @inline(__always)
    private func word(_ offset: Int) -> UInt32 {
        UInt32(bigEndian: nodes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
