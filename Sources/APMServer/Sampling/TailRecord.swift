import Common

/// One record of the log of held events.
///
///     length u32 | CRC-32 u32 | kind u8 | time i64 | trace u64 u64 | lines
///
/// Length and check are of everything behind them; integers are big-endian. `lines` are the action line and
/// the document of an event, both with their ends; there are none when the record says that a trace is
/// finished.
struct TailRecord: Equatable {
    enum Kind: UInt8 {
        case member, keptRoot, droppedRoot
        /// All events of the trace before this record are stored.
        case finishedKept
        /// All events of the trace before this record are dropped.
        case finishedDropped
    }

    static let headerBytes = 33
    private static let prefixBytes = 8
    /// Longer than any document; a length above is damage.
    private static let maxBytes = BulkBatch.maxBytes

    let kind: Kind
    /// Seconds since 1970.
    let time: Int64
    let trace: TraceKey
    /// Where the lines are, in the bytes it was read from.
    let lines: Range<Int>

    static func append(
        _ kind: Kind,
        time: Int64,
        trace: TraceKey,
        lines: RawSpan,
        to bytes: inout ByteBuffer
    ) {
        let start = bytes.count
        bytes.append(bigEndian: UInt32(headerBytes - prefixBytes + lines.byteCount))
        bytes.append(bigEndian: UInt32(0))
        bytes.append(kind.rawValue)
        bytes.append(bigEndian: time)
        bytes.append(bigEndian: trace.low)
        bytes.append(bigEndian: trace.high)
        bytes.append(lines)
        let check = bytes.withUnsafeBytes { CRC32.checksum(.init(rebasing: $0[(start + prefixBytes)...])) }
        bytes.setBigEndian(check, at: start + 4)
    }

    /// The record at `offset` of `bytes`; nil when none that is whole and right begins there.
    static func read(_ bytes: RawSpan, at offset: Int) -> TailRecord? {
        guard bytes.byteCount - offset >= headerBytes else { return nil }
        func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ at: Int) -> Integer {
            Integer(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + at, as: Integer.self))
        }
        let length = Int(integer(0) as UInt32)
        let body = offset + prefixBytes
        guard length >= headerBytes - prefixBytes, length <= maxBytes, length <= bytes.byteCount - body,
            let kind = Kind(rawValue: bytes[body])
        else { return nil }
        let check = bytes.withUnsafeBytes { CRC32.checksum(.init(rebasing: $0[body..<body + length])) }
        guard check == integer(4) else { return nil }
        return TailRecord(
            kind: kind,
            time: integer(9),
            trace: TraceKey(low: integer(17), high: integer(25)),
            lines: offset + headerBytes..<body + length
        )
    }

    /// Behind the record.
    var end: Int { lines.upperBound }
}

extension TailRecord.Kind {
    init(_ role: TailBatch.Role) {
        switch role {
        case .member: self = .member
        case .keptRoot: self = .keptRoot
        case .droppedRoot: self = .droppedRoot
        }
    }

    /// What the event is to its trace; nil when the record is of no event.
    var role: TailBatch.Role? {
        switch self {
        case .member: .member
        case .keptRoot: .keptRoot
        case .droppedRoot: .droppedRoot
        case .finishedKept, .finishedDropped: nil
        }
    }
}
