/// A quick hash for tables in memory, keyed at random so that a sender cannot aim at a slot.
///
/// Sixteen bytes a step by one 64 × 64 → 128 bit multiplication whose halves are folded, the idea of wyhash. Three
/// times as fast as `SipHash` and weaker: only for tables that compare the whole key and whose hash is not shown.
package struct KeyedHash: Sendable {
    package let first: UInt64
    package let second: UInt64

    /// A hash with a key of its own.
    package init() { self.init(key: .random(in: .min ... .max), .random(in: .min ... .max)) }

    package init(key first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    @inline(__always)
    package func hash(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64 {
        var state = first ^ UInt64(truncatingIfNeeded: range.count)
        var index = range.lowerBound
        while index + 16 < range.upperBound {
            let low = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let high = bytes.unsafeLoadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
            state = Self.fold(low ^ second, high ^ state)
            index += 16
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        if range.count >= 16 {
            // The last sixteen bytes, some of them for a second time.
            low = bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound - 16, as: UInt64.self)
            high = bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound - 8, as: UInt64.self)
        } else {
            for byte in range {
                high = high << 8 | low >> 56
                low = low << 8 | UInt64(bytes.unsafeLoad(fromByteOffset: byte, as: UInt8.self))
            }
        }
        state = Self.fold(low ^ second, high ^ state)
        return Self.fold(state ^ first, second | 1)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
