import Common
import Glibc

/// What a file holds before an offset: a hash of its beginning and one of the bytes just before the offset.
///
/// It grows with the offset, so a file is known from its first byte on. Up to 1024 bytes both hashes are of the
/// same bytes; then the beginning stays and the tail moves along.
struct Fingerprint: Equatable, Sendable {
    /// Bytes of head and tail.
    ///
    /// Log lines are shorter, so a tail holds at least one with its time stamp.
    static let maxBytes = 1024

    private static let hash = SipHash(key: 0x6669_6e67_6572_7072, 0x696e_7420_7631_2e30)

    private(set) var head: SipHash.Value
    private(set) var tail: SipHash.Value

    /// The fingerprint before offset 0.
    static let empty = Fingerprint(head: hashed([]), tail: hashed([]))

    init(head: SipHash.Value, tail: SipHash.Value) {
        self.head = head
        self.tail = tail
    }

    /// How many bytes the hashes of a fingerprint at `offset` cover.
    static func length(at offset: Int64) -> Int { Int(min(offset, Int64(maxBytes))) }

    /// The hash of `bytes[range]`, as `head` and `tail` hold it.
    static func hash(_ bytes: RawSpan, _ range: Range<Int>) -> SipHash.Value { hash.hash(bytes, range) }

    private static func hashed(_ bytes: [UInt8]) -> SipHash.Value {
        bytes.withUnsafeBytes { hash.hash($0.bytes, 0..<$0.count) }
    }

    /// Moves to a larger offset.
    ///
    /// - Parameter bytes: part of the file that begins at `start`, at most `maxBytes` before the old offset.
    /// - Parameter offset: the new offset, inside or at the end of `bytes`.
    mutating func advance(to offset: Int64, in bytes: RawSpan, startingAt start: Int64) {
        let end = Int(offset - start)
        let length = Self.length(at: offset)
        guard length <= end else { return }
        tail = Self.hash(bytes, end - length..<end)
        if start == 0 { head = Self.hash(bytes, 0..<length) }
    }

    /// Whether the bytes just before `offset` are the ones remembered.
    ///
    /// - Parameter bytes: the last `length(at: offset)` bytes before the offset, found at `range`.
    func matchesTail(_ bytes: RawSpan, _ range: Range<Int>) -> Bool { Self.hash(bytes, range) == tail }

    func matchesHead(_ bytes: RawSpan, _ range: Range<Int>) -> Bool { Self.hash(bytes, range) == head }
}

extension Fingerprint {
    /// Whether an open file holds, before `offset`, what this fingerprint remembers.
    ///
    /// Reads at most two kibibytes. A file that is shorter does not match.
    func matches(raw file: Int32, at offset: Int64) throws(Errno) -> Bool {
        let length = Self.length(at: offset)
        var bytes = ByteBuffer(capacity: Self.maxBytes)
        try bytes.append(raw: file, 0, length)
        guard bytes.count == length, bytes.withSpan({ matchesHead($0, 0..<length) }) else { return false }
        bytes.removeAll()
        try bytes.append(raw: file, offset - Int64(length), length)
        return bytes.count == length && bytes.withSpan { matchesTail($0, 0..<length) }
    }

    /// The fingerprint of an open file before `offset`; nil when the file is shorter.
    static func read(raw file: Int32, at offset: Int64) throws(Errno) -> Fingerprint? {
        let length = length(at: offset)
        var bytes = ByteBuffer(capacity: maxBytes)
        try bytes.append(raw: file, 0, length)
        guard bytes.count == length else { return nil }
        let head = bytes.withSpan { hash($0, 0..<length) }
        bytes.removeAll()
        try bytes.append(raw: file, offset - Int64(length), length)
        guard bytes.count == length else { return nil }
        return Fingerprint(head: head, tail: bytes.withSpan { hash($0, 0..<length) })
    }
}

extension ByteBuffer {
    /// Appends up to `length` bytes of a file from `offset` on: fewer where the file ends.
    mutating func append(raw file: Int32, _ offset: Int64, _ length: Int) throws(Errno) {
        var done = 0
        while done < length {
            let wanted = length - done
            let position = offset + Int64(done)
            let before = count
            try append(reserving: wanted) { free throws(Errno) in
                try Errno.check { pread(file, free.baseAddress, wanted, off_t(position)) }
            }
            if count == before { return }
            done += count - before
        }
    }
}
