/// The header of one Lumberjack v2 frame.
///
///     '2' 'W' | count u32                            events until the next window
///     '2' 'J' | sequence u32 | length u32 | JSON     one event
///     '2' 'D' | sequence u32 | pairs u32 | pairs     one event of strings; a pair is
///                                                    key length u32 | key | value length u32 | value
///     '2' 'C' | length u32 | bytes                   a zlib stream of whole J and D frames
///     '2' 'A' | sequence u32                         last event the receiver stored
///
/// Integers are big-endian. Source: Beats protocol, version 2.
package enum LumberjackFrame: Equatable, Sendable {
    case window(count: Int)
    case json(sequence: UInt32, length: Int)
    case pairs(sequence: UInt32, count: Int)
    case compressed(length: Int)
    case ack(sequence: UInt32)

    /// Bytes of a W, C or A header, from the version on.
    package static let shortHeaderBytes = 6
    /// Bytes of a J or D header, from the version on.
    package static let eventHeaderBytes = 10

    /// The first byte of every frame.
    static let version = UInt8(ascii: "2")

    /// - Returns: the frame and the offset of the first byte after its header; nil when `bytes` ends first. A
    ///   wrong version or type is noticed with its own byte.
    package static func header(
        in bytes: RawSpan,
        at offset: Int
    ) throws(LumberjackError) -> (frame: LumberjackFrame, next: Int)? {
        let available = bytes.byteCount - offset
        guard available >= 1 else { return nil }
        guard bytes[offset] == version else { throw .version(bytes[offset]) }
        guard available >= 2 else { return nil }
        let type = bytes[offset + 1]
        let size = try headerBytes(ofType: type)
        guard available >= size else { return nil }
        let next = offset + size
        let first = bytes.bigEndian32(at: offset + 2)
        switch type {
        case UInt8(ascii: "W"): return (.window(count: Int(first)), next)
        case UInt8(ascii: "C"): return (.compressed(length: Int(first)), next)
        case UInt8(ascii: "A"): return (.ack(sequence: first), next)
        case UInt8(ascii: "J"):
            return (.json(sequence: first, length: Int(bytes.bigEndian32(at: offset + 6))), next)
        default: return (.pairs(sequence: first, count: Int(bytes.bigEndian32(at: offset + 6))), next)
        }
    }

    private static func headerBytes(ofType type: UInt8) throws(LumberjackError) -> Int {
        switch type {
        case UInt8(ascii: "W"), UInt8(ascii: "C"), UInt8(ascii: "A"): return shortHeaderBytes
        case UInt8(ascii: "J"), UInt8(ascii: "D"): return eventHeaderBytes
        default: throw .type(type)
        }
    }
}

extension ByteBuffer {
    /// Appends an ack frame: everything up to `sequence` is stored; 0 says "still at work".
    package mutating func append(lumberjackAck sequence: UInt32) {
        append("2A" as StaticString)
        appendBigEndian(sequence)
    }
}

extension RawSpan {
    /// The unsigned 32-bit integer at `offset`, most significant byte first.
    ///
    /// Bounds checked.
    @inline(__always)
    func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
