import Common
import Glibc

/// What can be told about a gzip file (RFC 1952) without inflating it.
///
///     1F 8B 08 … | deflate stream | CRC-32 u32 | ISIZE u32      one member; more may follow
enum GzipFile {
    /// The shortest member: ten bytes of header, two of an empty stream, eight of trailer.
    static let leastBytes: Int64 = 20

    /// Whether an open file begins as a gzip file.
    static func hasMagic(raw file: Int32) throws(Errno) -> Bool {
        var bytes = ByteBuffer(capacity: 4)
        try bytes.append(raw: file, 0, 2)
        return bytes.count == 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
    }

    /// The size of the inflated content, modulo 2^32, as the last member says it.
    static func inflatedSize(raw file: Int32, size: Int64) throws(Errno) -> UInt32? {
        guard size >= leastBytes else { return nil }
        var bytes = ByteBuffer(capacity: 4)
        try bytes.append(raw: file, size - 4, 4)
        guard bytes.count == 4 else { return nil }
        return (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[$1]) << UInt32(8 * $1) }
    }

    /// The beginning of the inflated content, as much as a fingerprint's head covers; less of a damaged file.
    static func head(raw file: Int32) throws(Errno) -> ByteBuffer {
        // Also content that does not compress comes out of this, behind a header with a long name.
        var compressed = ByteBuffer(capacity: 4096)
        try compressed.append(raw: file, 0, 4096)
        var head = ByteBuffer(capacity: Fingerprint.maxBytes)
        var inflater = ZlibInflater(limits: InflateLimits(maxBytes: 1 << 20, maxRatio: 2000))
        var offset = 0
        do {
            _ = try compressed.withSpan { bytes throws(DeflateError) in
                try inflater.inflate(bytes, at: &offset, into: &head, maxOutput: Fingerprint.maxBytes)
            }
        } catch {
            // What came out is what there is.
            return head
        }
        return head
    }
}
