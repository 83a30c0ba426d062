import Common

/// The files of the spool, version 1.
///
/// Integers are little-endian.
///
///     spool/0000000001.spool       a segment: batches that wait for the store
///     spool/0000000001.done        which records of it are stored
///     spool/0000000001-4711.damaged  bytes that were no record, kept for a person
///
///     segment   "ELKFASP" 0x01 | record | record | …
///     record    magic FF 'r' 'e' 'c' | length u32 | documents u32 | payload CRC-32 u32
///               | time u64, milliseconds since 1970 | CRC-32 u32 of the 24 bytes before | payload
///     payload   the documents as a bulk body: action LF source LF, `length` bytes
///     done      offset u32 of a record | its payload CRC-32 u32, one such pair after the other
///
/// Segments are only appended to, and synced before anything in them is promised. The done file is not synced: a
/// mark that a power cut takes costs a second try of the record, which the store answers with "exists". The first
/// byte of the magic is no UTF-8, so that no payload can pretend to hold a record.
enum SpoolFormat {
    static let version: UInt8 = 1
    static let segmentHeader: [UInt8] = Array("ELKFASP".utf8) + [version]
    static let magic: [UInt8] = [0xFF, 0x72, 0x65, 0x63]
    static let recordHeaderBytes = 28
    static let markBytes = 8

    /// What stands before a payload.
    struct RecordHeader: Equatable {
        /// Bytes of the payload.
        var length: Int
        var documents: Int
        var check: UInt32
        /// When the record was written.
        var time: CalendarTime
    }

    /// Appends the header of a record.
    static func append(_ header: RecordHeader, to bytes: inout ByteBuffer) {
        let start = bytes.count
        bytes.append(magic)
        bytes.append(littleEndian: UInt32(header.length))
        bytes.append(littleEndian: UInt32(header.documents))
        bytes.append(littleEndian: header.check)
        let milliseconds = UInt64(max(header.time.nanoseconds, 0) / 1_000_000)
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: milliseconds))
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: milliseconds >> 32))
        let check = bytes.withUnsafeBytes { CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        bytes.append(littleEndian: check)
    }

    /// The header at `offset`; nil when no valid one stands there.
    static func header(in bytes: UnsafeRawBufferPointer, at offset: Int) -> RecordHeader? {
        guard offset >= 0, bytes.count - offset >= recordHeaderBytes else { return nil }
        let header = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + recordHeaderBytes])
        guard header.prefix(magic.count).elementsEqual(magic) else { return nil }
        let checked = UnsafeRawBufferPointer(rebasing: header.prefix(recordHeaderBytes - 4))
        guard CRC32.checksum(checked) == integer(header, at: recordHeaderBytes - 4) else { return nil }
        let milliseconds = UInt64(integer(header, at: 16)) | UInt64(integer(header, at: 20)) << 32
        return RecordHeader(
            length: Int(integer(header, at: 4)),
            documents: Int(integer(header, at: 8)),
            check: integer(header, at: 12),
            time: CalendarTime(nanoseconds: Int64(clamping: milliseconds).multipliedCapped(by: 1_000_000))
        )
    }

    /// The unsigned integer of four bytes at `offset`.
    static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension ByteBuffer {
    /// Appends an unsigned 32-bit integer, least significant byte first.
    mutating func append(littleEndian value: UInt32) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append($0) }
    }
}

extension Int64 {
    fileprivate func multipliedCapped(by factor: Int64) -> Int64 {
        let (product, isOverflow) = multipliedReportingOverflow(by: factor)
        return isOverflow ? .max : product
    }
}
