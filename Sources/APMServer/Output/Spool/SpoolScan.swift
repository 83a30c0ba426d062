import Common
import Glibc

/// What a segment's bytes hold, also after a crash or damage.
///
/// Pure: bytes in, places out.
struct SpoolScan: Equatable {
    /// The version byte is not ours; nothing else was looked at.
    private(set) var foreignVersion: UInt8?
    /// Valid records, in order.
    private(set) var records: [SpoolRecord] = []
    /// Bytes that are no record although more follows, or that were written as a whole and changed since.
    private(set) var damaged: [Range<Int>] = []
    /// Where the last record was cut off by a crash, before it was promised; the file's size when none was.
    private(set) var end: Int

    /// - Parameter bytes: the whole file.
    init(_ bytes: UnsafeRawBufferPointer) {
        end = bytes.count
        let header = SpoolFormat.segmentHeader
        var offset = header.count
        let start = bytes.prefix(header.count)
        if start.count < header.count, start.elementsEqual(header.prefix(start.count)) {
            end = 0
            return
        }
        if start.count == header.count, !start.elementsEqual(header) {
            if start.dropLast().elementsEqual(header.dropLast()), start[header.count - 1] != 0 {
                foreignVersion = start[header.count - 1]
                // A flipped bit would look the same; only records of this version behind it tell.
                guard Self.record(in: bytes, at: offset) != nil else { return }
                foreignVersion = nil
            }
            offset = 0
        }
        read(bytes, from: offset)
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        var offset = start
        while offset < bytes.count {
            if let record = Self.record(in: bytes, at: offset) {
                records.append(record)
                offset = record.end
            } else if let next = Self.nextRecord(in: bytes, after: offset) {
                damaged.append(offset..<next)
                offset = next
            } else {
                if Self.isTorn(bytes, at: offset) {
                    end = offset
                } else {
                    damaged.append(offset..<bytes.count)
                }
                return
            }
        }
    }

    /// The record at `offset` if header and payload are whole and unchanged.
    private static func record(in bytes: UnsafeRawBufferPointer, at offset: Int) -> SpoolRecord? {
        guard let header = SpoolFormat.header(in: bytes, at: offset) else { return nil }
        let start = offset + SpoolFormat.recordHeaderBytes
        guard header.length <= bytes.count - start else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<start + header.length])
        guard CRC32.checksum(payload) == header.check else { return nil }
        return SpoolRecord(offset: offset, header)
    }

    private static func nextRecord(in bytes: UnsafeRawBufferPointer, after offset: Int) -> Int? {
        var from = offset + 1
        while from < bytes.count {
            let rest = bytes[from...]
            guard let found = rest.firstIndex(of: SpoolFormat.magic[0]) else { return nil }
            if record(in: bytes, at: found) != nil { return found }
            from = found + 1
        }
        return nil
    }

    /// Whether a crash left these last bytes of a record that was being written.
    ///
    /// They are too few for it, or blocks that never reached the disk; anything else was whole once.
    private static func isTorn(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        let rest = bytes.count - offset
        if rest < SpoolFormat.recordHeaderBytes { return true }
        if let header = SpoolFormat.header(in: bytes, at: offset) {
            return header.length > rest - SpoolFormat.recordHeaderBytes
        }
        return bytes[offset...].allSatisfy { $0 == 0 }
    }
}

/// One record of a segment.
struct SpoolRecord: Equatable {
    /// Whose turn it is.
    enum State: UInt8 {
        /// Only on the disk.
        case waiting
        /// On its way to the store.
        case taken
        case done
    }

    // Narrow integers: a spool can hold a million of these.
    let offset: UInt32
    /// Bytes of the payload.
    let length: UInt32
    let documents: UInt32
    let check: UInt32
    /// Since 1970.
    let seconds: UInt32
    var state = State.waiting

    init(offset: Int, _ header: SpoolFormat.RecordHeader) {
        self.offset = UInt32(offset)
        length = UInt32(header.length)
        documents = UInt32(header.documents)
        check = header.check
        seconds = UInt32(clamping: header.time.seconds)
    }

    /// First byte of the payload.
    var payload: Int { Int(offset) + SpoolFormat.recordHeaderBytes }
    /// First byte behind the record.
    var end: Int { payload + Int(length) }
}
