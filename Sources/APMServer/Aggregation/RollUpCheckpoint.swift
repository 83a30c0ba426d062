import Common

/// What is aggregated and not yet stored, as bytes for a file.
///
///     apm-server roll-ups 1 LF
///     key of the hash 2 × u64
///     open tables, three by interval
///     flushes u32: id 2 × u64 | parts u8: interval u8 | written at i64 | table
///     SipHash of everything before, 2 × u64
///
///     table    groups u32: kind u8 | is overflow u8 | time i64 | first i64 | second i64
///                          | top u32 | inner u32 | service | key | of overflow groups 1024 registers
///              cells u32: group u32 | bucket u16 | weight i64
///     service, key    length u32 | bytes
///
/// Integers are big-endian.
///
/// Nothing is counted twice across a restart, because a flush stands in the file, with the id that makes its
/// documents' ids, before its first document is delivered: a crash during delivery sends the very same
/// documents again, which the store has or has not. What was counted after the last checkpoint is lost by a
/// crash, not doubled.
enum RollUpCheckpoint {
    struct Content {
        var hash: KeyedHash
        /// By interval.
        var open: [RollUpTable]
        var flushes: [RollUpFlush]
    }

    enum Damage: Error, Equatable, CustomStringConvertible {
        case notACheckpoint
        case checksum
        case content(offset: Int)

        var description: String {
            switch self {
            case .notACheckpoint: "it is no checkpoint of roll-ups, or one of another version"
            case .checksum: "its checksum is wrong: it is cut or damaged"
            case .content(let offset): "byte \(offset) makes no sense"
            }
        }
    }

    private static let title: StaticString = "apm-server roll-ups 1\n"
    private static let sum = SipHash(key: 0x726F_6C6C_2075_7073, 0x6170_6D20_7365_7276)

    static func encode(_ state: RollUpState) -> ByteBuffer {
        var bytes = ByteBuffer(capacity: 64 << 10)
        bytes.append(title)
        bytes.append(bigEndian: state.hash.first)
        bytes.append(bigEndian: state.hash.second)
        for table in state.open { append(table, to: &bytes) }
        bytes.append(bigEndian: UInt32(state.flushes.count))
        for flush in state.flushes {
            bytes.append(bigEndian: flush.id.low)
            bytes.append(bigEndian: flush.id.high)
            bytes.append(UInt8(flush.parts.count))
            for part in flush.parts {
                bytes.append(part.interval.rawValue)
                bytes.append(bigEndian: part.writtenAt)
                append(part.table, to: &bytes)
            }
        }
        let sum = bytes.withSpan { Self.sum.hash($0, 0..<$0.byteCount) }
        bytes.append(bigEndian: sum.low)
        bytes.append(bigEndian: sum.high)
        return bytes
    }

    private static func append(_ table: RollUpTable, to bytes: inout ByteBuffer) {
        bytes.append(bigEndian: UInt32(table.groups.count))
        table.keys.withSpan { keys in
            for group in table.groups {
                bytes.append(group.kind.rawValue)
                bytes.append(UInt8(group.isOverflow ? 1 : 0))
                bytes.append(bigEndian: group.time)
                bytes.append(bigEndian: group.first)
                bytes.append(bigEndian: group.second)
                bytes.append(bigEndian: group.top)
                bytes.append(bigEndian: group.inner)
                let service = group.isOverflow ? 0..<0 : table.service(of: group)
                bytes.append(bigEndian: UInt32(service.count))
                bytes.append(keys, service)
                bytes.append(bigEndian: group.keyCount)
                bytes.append(keys, group.key)
                if group.isOverflow { bytes.append(table.sketches[group.sketch].registers) }
            }
        }
        bytes.append(bigEndian: UInt32(table.cells.count))
        table.cells.forEach { cell in
            bytes.append(bigEndian: UInt32(cell.group))
            bytes.append(bigEndian: cell.bucket)
            bytes.append(bigEndian: cell.weight)
        }
    }
}

// MARK: - Reading

extension RollUpCheckpoint {
    static func decode(_ bytes: RawSpan) throws(Damage) -> Content {
        let titleEnd = title.utf8CodeUnitCount
        let end = bytes.byteCount - 16
        guard end >= titleEnd, bytes.equals(title, 0..<titleEnd) else { throw .notACheckpoint }
        var tail = Cursor(offset: end, end: bytes.byteCount)
        let expected = SipHash.Value(low: try tail.integer(bytes), high: try tail.integer(bytes))
        guard sum.hash(bytes, 0..<end) == expected else { throw .checksum }

        var cursor = Cursor(offset: titleEnd, end: end)
        let hash = KeyedHash(key: try cursor.integer(bytes), try cursor.integer(bytes))
        var open: [RollUpTable] = []
        for _ in RollUpInterval.allCases { open.append(try table(bytes, &cursor, hash)) }
        var flushes: [RollUpFlush] = []
        let count: UInt32 = try cursor.integer(bytes)
        for _ in 0..<count { flushes.append(try flush(bytes, &cursor, hash)) }
        guard cursor.offset == end else { throw .content(offset: cursor.offset) }
        return Content(hash: hash, open: open, flushes: flushes)
    }

    private static func flush(_ bytes: RawSpan, _ cursor: inout Cursor, _ hash: KeyedHash) throws(Damage)
        -> RollUpFlush
    {
        let id = SipHash.Value(low: try cursor.integer(bytes), high: try cursor.integer(bytes))
        var parts: [RollUpFlush.Part] = []
        let count: UInt8 = try cursor.integer(bytes)
        for _ in 0..<count {
            guard let interval = RollUpInterval(rawValue: try cursor.integer(bytes)) else {
                throw .content(offset: cursor.offset)
            }
            let writtenAt: Int64 = try cursor.integer(bytes)
            parts.append(
                .init(interval: interval, table: try table(bytes, &cursor, hash), writtenAt: writtenAt)
            )
        }
        return RollUpFlush(id: id, parts: parts)
    }

    private static func table(_ bytes: RawSpan, _ cursor: inout Cursor, _ hash: KeyedHash) throws(Damage)
        -> RollUpTable
    {
        // It kept to its limits when it was filled, and its groups must stay as they are.
        let table = RollUpTable(limits: .none, hash: hash)
        var rows: [(row: Int, hasHistogram: Bool)] = []
        let groups: UInt32 = try cursor.integer(bytes)
        for _ in 0..<groups { rows.append(try group(bytes, &cursor, table)) }
        let cells: UInt32 = try cursor.integer(bytes)
        for _ in 0..<cells {
            let group: UInt32 = try cursor.integer(bytes)
            let bucket: UInt16 = try cursor.integer(bytes)
            let weight: Int64 = try cursor.integer(bytes)
            guard group < rows.count, rows[Int(group)].hasHistogram, bucket < DurationBuckets.count else {
                throw .content(offset: cursor.offset)
            }
            table.count(bucket: bucket, weight: weight, row: rows[Int(group)].row)
        }
        return table
    }

    private static func group(_ bytes: RawSpan, _ cursor: inout Cursor, _ table: RollUpTable) throws(Damage)
        -> (row: Int, hasHistogram: Bool)
    {
        let kind = RollUpKind(rawValue: try cursor.integer(bytes))
        let overflow: UInt8 = try cursor.integer(bytes)
        let time: Int64 = try cursor.integer(bytes)
        let first: Int64 = try cursor.integer(bytes)
        let second: Int64 = try cursor.integer(bytes)
        let top: UInt32 = try cursor.integer(bytes)
        let inner: UInt32 = try cursor.integer(bytes)
        let service = try cursor.text(bytes)
        let key = try cursor.text(bytes)
        guard let kind, top <= inner, inner <= key.count, overflow <= 1,
            (overflow == 1) == (time == RollUpTable.overflowTime)
        else { throw .content(offset: cursor.offset) }
        let row = bytes.withUnsafeBytes { bytes in
            let key = UnsafeRawBufferPointer(rebasing: bytes[key])
            if overflow == 1 { return table.overflowRow(kind, service: key, lost: nil) }
            let service = UnsafeRawBufferPointer(rebasing: bytes[service])
            return table.row(kind, time: time, service: service, key: key, top: Int(top), inner: Int(inner))
        }
        if overflow == 1 {
            let registers = try cursor.bytes(DistinctSketch.registerCount)
            let copy = bytes.withUnsafeBytes { Array($0[registers]) }
            guard let sketch = DistinctSketch(registers: copy) else { throw .content(offset: cursor.offset) }
            table.merge(sketch, row: row)
        }
        table.add(first, second, row: row)
        return (row, kind.hasHistogram)
    }

    /// Where reading stands; nothing is read behind `end`.
    private struct Cursor {
        private(set) var offset: Int
        private let end: Int

        init(offset: Int, end: Int) {
            self.offset = offset
            self.end = end
        }

        mutating func bytes(_ count: Int) throws(Damage) -> Range<Int> {
            guard count <= end - offset else { throw .content(offset: offset) }
            defer { offset += count }
            return offset..<offset + count
        }

        mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ bytes: RawSpan) throws(Damage)
            -> Integer
        {
            let range = try self.bytes(MemoryLayout<Integer>.size)
            return Integer(
                bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: Integer.self)
            )
        }

        mutating func text(_ bytes: RawSpan) throws(Damage) -> Range<Int> {
            let count: UInt32 = try integer(bytes)
            return try self.bytes(Int(count))
        }
    }
}

extension ByteBuffer {
    /// Appends an integer, most significant byte first.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append($0) }
    }
}
