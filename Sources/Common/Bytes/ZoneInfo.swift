import CLinux
import Glibc

/// When the clocks of one zone of the IANA database are how far ahead of UTC.
///
/// Read once from the host's compiled file. Source: RFC 9636 (TZif), and POSIX TZ for times behind the last transition.
package struct ZoneInfo: Equatable, Sendable {
    /// Where hosts keep the compiled database.
    private static let directory = "/usr/share/zoneinfo/"
    /// The largest real file has 4 KB.
    private static let maxFileBytes = 256 << 10

    /// Seconds since 1970 of each transition, in order.
    private let transitions: [Int64]
    /// Seconds east of UTC from each transition on.
    private let offsets: [Int]
    /// Before the first transition.
    private let firstOffset: Int
    /// Behind the last transition; nil when nothing changes any more.
    private let footer: POSIXZone?

    /// The zone of that name, such as `Europe/Berlin`; nil when the host does not know it.
    package init?(named name: String) {
        let isName = name.utf8.allSatisfy { byte in
            (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || [0x2F, 0x2B, 0x2D, 0x5F].contains(byte)
        }
        guard isName, !name.isEmpty, name.utf8.first != UInt8(ascii: "/"),
            let bytes = Self.contents(of: Self.directory + name)
        else { return nil }
        self.init(tzif: bytes.span.bytes)
    }

    /// The zone in the bytes of a file.
    ///
    /// - Returns: nil when they are no TZif of version 2 or later.
    package init?(tzif bytes: RawSpan) {
        // The first block has times of 32 bits, for readers of old; the second has all of them.
        guard let old = Header(bytes, at: 0),
            let header = Header(bytes, at: Header.byteCount + old.dataBytes(timeBytes: 4))
        else { return nil }
        let start = header.offset + Header.byteCount
        let typesStart = start + header.timeCount * 8
        let recordsStart = typesStart + header.timeCount
        let end = start + header.dataBytes(timeBytes: 8)
        guard header.typeCount > 0, end <= bytes.byteCount else { return nil }
        let types = (0..<header.typeCount).map { index in
            Int(Int32(truncatingIfNeeded: bytes.bigEndian(at: recordsStart + index * 6, count: 4)))
        }
        var transitions: [Int64] = []
        var offsets: [Int] = []
        for index in 0..<header.timeCount {
            let type = Int(bytes[typesStart + index])
            guard type < types.count else { return nil }
            transitions.append(Int64(bitPattern: bytes.bigEndian(at: start + index * 8, count: 8)))
            offsets.append(types[type])
        }
        self.transitions = transitions
        self.offsets = offsets
        firstOffset = types[0]
        let text = bytes.text(min(end + 1, bytes.byteCount)..<max(bytes.byteCount - 1, end))
        footer = POSIXZone(text)
    }

    /// Seconds east of UTC at a moment, in seconds since 1970.
    package func offset(at seconds: Int64) -> Int {
        if let last = transitions.last, seconds >= last, let footer { return footer.offset(at: seconds) }
        if transitions.isEmpty, let footer { return footer.offset(at: seconds) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? firstOffset : offsets[low - 1]
    }

    /// Seconds east of UTC when clocks show a date and time, given as the seconds since 1970 that UTC's would show.
    ///
    /// Of an hour that clocks show twice, the first; an hour that they skip is taken as before the change.
    package func offset(atLocal local: Int64) -> Int {
        // Clocks change by less than a day, so these are the offsets before and behind a change that is near.
        let before = offset(at: local - 86400)
        let behind = offset(at: local + 86400)
        if before == behind { return before }
        if offset(at: local - Int64(before)) == before { return before }
        return offset(at: local - Int64(behind)) == behind ? behind : before
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        var buffer = ByteBuffer(capacity: 4096)
        while buffer.count <= maxFileBytes {
            var count = 0
            do throws(Errno) {
                try buffer.append(reserving: 4096) { free throws(Errno) in
                    count = try file.read(into: free)
                    return count
                }
            } catch {
                return nil
            }
            if count == 0 { return buffer.array }
        }
        return nil
    }

    /// The header of one block of a file.
    ///
    ///     "TZif" | version | 15 bytes | six counts, u32 big-endian
    private struct Header {
        static let byteCount = 44

        let offset: Int
        let utcCount: Int
        let standardCount: Int
        let leapCount: Int
        let timeCount: Int
        let typeCount: Int
        let nameBytes: Int

        init?(_ bytes: RawSpan, at offset: Int) {
            guard offset + Self.byteCount <= bytes.byteCount, bytes.equals("TZif", offset..<offset + 4),
                bytes[offset + 4] >= UInt8(ascii: "2")
            else { return nil }
            let counts = (0..<6).map { Int(bytes.bigEndian(at: offset + 20 + $0 * 4, count: 4)) }
            guard counts.allSatisfy({ $0 <= bytes.byteCount }) else { return nil }
            self.offset = offset
            utcCount = counts[0]
            standardCount = counts[1]
            leapCount = counts[2]
            timeCount = counts[3]
            typeCount = counts[4]
            nameBytes = counts[5]
        }

        func dataBytes(timeBytes: Int) -> Int {
            timeCount * (timeBytes + 1) + typeCount * 6 + nameBytes + leapCount * (timeBytes + 4)
                + standardCount + utcCount
        }
    }
}

extension RawSpan {
    fileprivate func bigEndian(at offset: Int, count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + count { value = value << 8 | UInt64(self[index]) }
        return value
    }
}
