import Common
import Testing

@testable import APMServer

@Suite("Spool format")
struct SpoolScanTests {
    private static let payloads = ["a\nb\n", String(repeating: "x", count: 40) + "\n{}\n", "c\nd\ne\nf\n"]
    private static let time = CalendarTime(nanoseconds: 1_795_341_600_123_000_000)

    private static func record(_ payload: String, into bytes: inout ByteBuffer) {
        var text = ByteBuffer()
        text.append(payload)
        let header = SpoolFormat.RecordHeader(
            length: text.count,
            documents: payload.utf8.count { $0 == UInt8(ascii: "\n") } / 2,
            check: text.withUnsafeBytes { CRC32.checksum($0) },
            time: time
        )
        SpoolFormat.append(header, to: &bytes)
        bytes.append(text)
    }

    /// A segment with the three payloads.
    private static var segment: [UInt8] {
        var bytes = ByteBuffer()
        bytes.append(SpoolFormat.segmentHeader)
        for payload in payloads { record(payload, into: &bytes) }
        return bytes.array
    }

    /// First bytes of the records, then the end.
    private static let edges = [8, 8 + 28 + 4, 8 + 28 + 4 + 28 + 44, 8 + 28 + 4 + 28 + 44 + 28 + 8]

    private func scan(_ bytes: [UInt8]) -> SpoolScan { bytes.withUnsafeBytes { SpoolScan($0) } }

    @Test("is the documented bytes")
    func layout() {
        var bytes = ByteBuffer()
        bytes.append(SpoolFormat.segmentHeader)
        Self.record("a\nb\n", into: &bytes)
        // CRC-32 computed with Python's zlib.crc32.
        let expected: [UInt8] = [
            0x45, 0x4C, 0x4B, 0x46, 0x41, 0x53, 0x50, 0x01,  // ELKFASP 1
            0xFF, 0x72, 0x65, 0x63, 4, 0, 0, 0, 1, 0, 0, 0, CRC.payload[0], CRC.payload[1], CRC.payload[2],
            CRC.payload[3], 0x7B, 0xC5, 0xB2, 0x02, 0xA2, 0x01, 0x00, 0x00, CRC.header[0], CRC.header[1],
            CRC.header[2], CRC.header[3], 0x61, 0x0A, 0x62, 0x0A,
        ]
        #expect(bytes.array == expected)
    }

    @Test("reads what was written")
    func whole() throws {
        let result = scan(Self.segment)
        #expect(result.records.map { Int($0.offset) } == Array(Self.edges.dropLast()))
        #expect(result.records.map(\.documents) == [1, 1, 2])
        #expect(result.records.map(\.seconds) == [1_795_341_600, 1_795_341_600, 1_795_341_600])
        #expect(result.damaged == [] && result.end == Self.segment.count && result.foreignVersion == nil)
    }

    @Test("keeps every whole record and cuts the torn one, wherever the file ends")
    func torn() {
        let bytes = Self.segment
        for length in 0...bytes.count {
            let result = scan(Array(bytes[..<length]))
            let whole = Self.edges.count { $0 <= length } - 1
            #expect(result.records.count == max(whole, 0), "cut at \(length)")
            #expect(result.damaged == [], "cut at \(length)")
            let end = Self.edges.last { $0 <= length } ?? 0
            #expect(result.end == end, "cut at \(length)")
            // A power cut may also leave blocks of zeros.
            let zeroed = scan(Array(bytes[..<length]) + [UInt8](repeating: 0, count: 100))
            #expect(zeroed.records.count >= max(whole, 0), "zeros from \(length)")
        }
    }

    @Test("loses at most one record to a changed byte, and says where it was")
    func flipped() {
        let bytes = Self.segment
        for position in 0..<bytes.count where position != 7 {
            var changed = bytes
            changed[position] ^= 0x10
            let result = scan(changed)
            let record = Self.edges.lastIndex { $0 <= position }
            let start = record.map { Self.edges[$0] } ?? 0
            let end = record.map { Self.edges[$0 + 1] } ?? 8
            #expect(result.records.count == (record == nil ? 3 : 2), "byte \(position)")
            #expect(result.damaged == [start..<end], "byte \(position)")
            #expect(result.end == bytes.count, "byte \(position)")
        }
    }

    @Test(
        "leaves a file of another version alone, unless its records are ours",
        arguments: [
            (2 as UInt8, [] as [UInt8], 2 as UInt8?), (2, [1, 2, 3], 2), (0, [], nil),
        ]
    )
    func version(_ version: UInt8, rest: [UInt8], foreign: UInt8?) {
        let result = scan(Array("ELKFASP".utf8) + [version] + rest)
        #expect(result.foreignVersion == foreign)
        var changed = Self.segment
        changed[7] = version
        #expect(scan(changed).foreignVersion == nil)
        #expect(scan(changed).records.count == 3)
        #expect(scan(changed).damaged == [0..<8])
    }

    @Test("finds no record inside a payload that imitates one")
    func imitation() {
        var inner = ByteBuffer()
        Self.record("a\nb\n", into: &inner)
        var bytes = ByteBuffer()
        bytes.append(SpoolFormat.segmentHeader)
        // Documents are UTF-8: what an agent can send of a record has lost its first byte.
        Self.record(String(decoding: inner.array, as: UTF8.self) + "\n", into: &bytes)
        Self.record("c\nd\n", into: &bytes)
        bytes[20] ^= 1
        let result = bytes.withUnsafeBytes { SpoolScan($0) }
        #expect(result.records.count == 1)
        #expect(result.damaged.count == 1)
    }
}

/// Checksums from another implementation.
private enum CRC {
    static let payload: [UInt8] = [0x97, 0x2A, 0x57, 0x18]
    static let header: [UInt8] = [0x6F, 0x7F, 0xF4, 0x24]
}
