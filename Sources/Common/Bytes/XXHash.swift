/// XXH64, a fast hash without a key, fed piece by piece.
///
/// For values that others compute too (grouping keys of errors); not for what a sender may aim at.
/// Source: Collet, "xxHash fast digest algorithm" (format specification 0.1.1), section on XXH64.
package struct XXHash64: Sendable {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    private let seed: UInt64
    private var lane1: UInt64
    private var lane2: UInt64
    private var lane3: UInt64
    private var lane4: UInt64
    /// Bytes that do not fill a stripe yet: the first `pendingCount` of 32.
    private var pending = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    private var pendingCount = 0
    /// All bytes so far.
    package private(set) var count = 0

    package init(seed: UInt64 = 0) {
        self.seed = seed
        lane1 = seed &+ Self.prime1
        lane1 = lane1 &+ Self.prime2
        lane2 = seed &+ Self.prime2
        lane3 = seed
        lane4 = seed &- Self.prime1
    }

    /// The hash of `bytes[range]`.
    package static func hash(_ bytes: RawSpan, _ range: Range<Int>, seed: UInt64 = 0) -> UInt64 {
        var hash = XXHash64(seed: seed)
        hash.update(bytes, range)
        return hash.value
    }

    /// Goes on with `bytes[range]`.
    package mutating func update(_ bytes: RawSpan, _ range: Range<Int>) {
        guard range.lowerBound >= 0, range.upperBound <= bytes.byteCount else {
            fatalError("XXHash64: access outside of the bytes")
        }
        count += range.count
        var index = range.lowerBound
        if pendingCount > 0 {
            let length = min(32 - pendingCount, range.count)
            keep(bytes, index..<index + length)
            index += length
            guard pendingCount == 32 else { return }
            absorb(
                UInt64(littleEndian: pending.0),
                UInt64(littleEndian: pending.1),
                UInt64(littleEndian: pending.2),
                UInt64(littleEndian: pending.3)
            )
            pendingCount = 0
        }
        while range.upperBound - index >= 32 {
            absorb(bytes.word(index), bytes.word(index + 8), bytes.word(index + 16), bytes.word(index + 24))
            index += 32
        }
        keep(bytes, index..<range.upperBound)
    }

    /// The hash of everything so far; more may follow.
    package var value: UInt64 {
        var hash: UInt64
        if count >= 32 {
            hash = rotate(lane1, 1) &+ rotate(lane2, 7)
            hash = hash &+ rotate(lane3, 12)
            hash = hash &+ rotate(lane4, 18)
            for lane in [lane1, lane2, lane3, lane4] {
                hash ^= Self.round(0, lane)
                hash = hash &* Self.prime1
                hash = hash &+ Self.prime4
            }
        } else {
            hash = seed &+ Self.prime5
        }
        hash = hash &+ UInt64(count)
        return withUnsafeBytes(of: pending) { Self.finish(hash, $0[..<pendingCount]) }
    }

    /// The last bytes, eight, four and one at a time, and the avalanche.
    private static func finish(_ start: UInt64, _ rest: Slice<UnsafeRawBufferPointer>) -> UInt64 {
        var hash = start
        let rest = UnsafeRawBufferPointer(rebasing: rest)
        var index = 0
        while rest.count - index >= 8 {
            hash ^= round(0, UInt64(littleEndian: rest.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            hash = rotate(hash, 27) &* prime1
            hash = hash &+ prime4
            index += 8
        }
        if rest.count - index >= 4 {
            let word = UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            hash ^= UInt64(word) &* prime1
            hash = rotate(hash, 23) &* prime2
            hash = hash &+ prime3
            index += 4
        }
        while index < rest.count {
            hash ^= UInt64(rest[index]) &* prime5
            hash = rotate(hash, 11) &* prime1
            index += 1
        }
        hash ^= hash >> 33
        hash = hash &* prime2
        hash ^= hash >> 29
        hash = hash &* prime3
        return hash ^ hash >> 32
    }

    private mutating func keep(_ bytes: RawSpan, _ range: Range<Int>) {
        withUnsafeMutableBytes(of: &pending) { free in
            for index in range {
                free[pendingCount] = bytes[index]
                pendingCount += 1
            }
        }
    }

    private mutating func absorb(_ word1: UInt64, _ word2: UInt64, _ word3: UInt64, _ word4: UInt64) {
        lane1 = Self.round(lane1, word1)
        lane2 = Self.round(lane2, word2)
        lane3 = Self.round(lane3, word3)
        lane4 = Self.round(lane4, word4)
    }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }
}

private func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }

extension RawSpan {
    @inline(__always)
    fileprivate func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
