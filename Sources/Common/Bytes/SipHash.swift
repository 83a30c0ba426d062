/// SipHash-2-4 with 128 bits of output: a keyed hash that a sender without the key cannot aim.
///
/// Used for document ids, caches and file fingerprints. Source: Aumasson and Bernstein, "SipHash: a fast
/// short-input PRF" (2012), and the 128-bit variant of the authors' reference description.
package struct SipHash: Sendable {
    /// Sixteen bytes of hash.
    package struct Value: Hashable, Sendable {
        package let low: UInt64
        package let high: UInt64

        package init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }
    }

    private let key: Value

    package init(key low: UInt64, _ high: UInt64) { key = Value(low: low, high: high) }

    package init(key: Value) { self.key = key }

    /// The hash of `bytes[range]`, with `tweak` mixed into the key (an offset, a counter, or zero).
    package func hash(_ bytes: RawSpan, _ range: Range<Int>, tweak: UInt64 = 0) -> Value {
        var state = State(key: key, tweak: tweak)
        var index = range.lowerBound
        while index + 8 <= range.upperBound {
            state.absorb(
                UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            )
            index += 8
        }
        var last = UInt64(truncatingIfNeeded: range.count) << 56
        var shift: UInt64 = 0
        while index < range.upperBound {
            last |= UInt64(bytes[index]) << shift
            shift += 8
            index += 1
        }
        state.absorb(last)
        return state.finish()
    }

    /// The hash of a text's UTF-8.
    package func hash(_ text: String) -> Value {
        var text = text
        return text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            return hash(bytes.bytes, 0..<bytes.count)
        }
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(key: Value, tweak: UInt64) {
            v0 = 0x736f_6d65_7073_6575 ^ key.low ^ tweak
            v1 = 0x646f_7261_6e64_6f6d ^ key.high ^ 0xEE
            v2 = 0x6c79_6765_6e65_7261 ^ key.low
            v3 = 0x7465_6462_7974_6573 ^ key.high ^ tweak
        }

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> Value {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return Value(low: low, high: v0 ^ v1 ^ v2 ^ v3)
        }

        @inline(__always)
        private mutating func round() {
            v0 = v0 &+ v1
            v1 = v1 << 13 | v1 >> 51
            v1 ^= v0
            v0 = v0 << 32 | v0 >> 32
            v2 = v2 &+ v3
            v3 = v3 << 16 | v3 >> 48
            v3 ^= v2
            v0 = v0 &+ v3
            v3 = v3 << 21 | v3 >> 43
            v3 ^= v0
            v2 = v2 &+ v1
            v1 = v1 << 17 | v1 >> 47
            v1 ^= v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}
