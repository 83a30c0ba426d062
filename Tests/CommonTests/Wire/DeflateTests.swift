import Common
import Testing

@Suite("Deflate and zlib")
struct DeflateTests {
    static let text = Array((0..<5000).map { "event \($0 % 97) of \($0)\n" }.joined().utf8)

    static func compressed(_ bytes: [UInt8], level: Int = 6, as format: DeflateFormat = .zlib) -> [UInt8] {
        let compressor = DeflateCompressor(level: level)
        var output = ByteBuffer()
        compressor.compress(bytes.span.bytes, as: format, into: &output)
        return output.array
    }

    static func inflated(
        _ bytes: [UInt8],
        as format: DeflateFormat = .zlib,
        limits: InflateLimits = InflateLimits(maxBytes: 1 << 24)
    ) throws(DeflateError) -> [UInt8] {
        let decompressor = DeflateDecompressor()
        var output = ByteBuffer()
        try decompressor.inflate(bytes.span.bytes, 0..<bytes.count, as: format, into: &output, limits: limits)
        return output.array
    }

    /// Inflates in pieces of `size` bytes with `maxOutput` bytes per step.
    static func streamed(
        _ bytes: [UInt8],
        size: Int,
        maxOutput: Int,
        limits: InflateLimits = InflateLimits(maxBytes: 1 << 24)
    ) throws(DeflateError) -> (bytes: [UInt8], state: ZlibInflater.State) {
        var inflater = ZlibInflater(limits: limits)
        var output = ByteBuffer()
        var state = ZlibInflater.State.needsInput
        var start = 0
        while start < bytes.count, state != .finished {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            var offset = 0
            repeat {
                state = try inflater.inflate(
                    piece.span.bytes,
                    at: &offset,
                    into: &output,
                    maxOutput: maxOutput
                )
            } while state == .outputFull
            start += offset
            if offset == 0 { break }
        }
        return (output.array, state)
    }

    @Test("round trip", arguments: [DeflateFormat.zlib, .gzip], [-1, 0, 1, 6, 9, 12, 99])
    func roundTrip(_ format: DeflateFormat, level: Int) throws {
        for bytes in [Self.text, [], [7]] {
            let packed = Self.compressed(bytes, level: level, as: format)
            #expect(try Self.inflated(packed, as: format) == bytes)
            let (streamed, state) = try Self.streamed(packed, size: 1000, maxOutput: 700)
            #expect(streamed == bytes)
            #expect(state == .finished)
        }
    }

    @Test("a stream may come byte by byte")
    func byteByByte() throws {
        let packed = Self.compressed(Self.text, as: .gzip)
        #expect(try Self.streamed(packed, size: 1, maxOutput: 4096).bytes == Self.text)
        #expect(try Self.streamed(Array(packed.dropLast()), size: 100, maxOutput: 4096).state == .needsInput)
    }

    @Test("refuses damage at every byte")
    func damage() throws {
        let packed = Self.compressed(Array("hello, hello, hello".utf8))
        for index in packed.indices {
            var damaged = packed
            damaged[index] ^= 0x55
            #expect(throws: DeflateError.self) { try Self.inflated(damaged) }
            #expect(throws: DeflateError.self) { try Self.inflated(Array(packed[..<index])) }
        }
        #expect(throws: DeflateError.trailingBytes(count: 2)) { try Self.inflated(packed + [0, 0]) }
        #expect(throws: DeflateError.corrupt) { try Self.streamed([1, 2, 3, 4], size: 4, maxOutput: 100) }
    }

    @Test("keeps its limits")
    func limits() throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let packed = Self.compressed(zeros)
        let small = InflateLimits(maxBytes: (1 << 20) - 1, maxRatio: 2000)
        #expect(throws: DeflateError.tooLarge(limitBytes: small.maxBytes)) {
            try Self.inflated(packed, limits: small)
        }
        #expect(throws: DeflateError.tooLarge(limitBytes: small.maxBytes)) {
            try Self.streamed(packed, size: 64, maxOutput: 4096, limits: small)
        }
        let exact = InflateLimits(maxBytes: 1 << 20, maxRatio: 2000)
        #expect(try Self.inflated(packed, limits: exact).count == 1 << 20)
        let believable = InflateLimits(maxBytes: 1 << 24, maxRatio: 100, ratioFloorBytes: 4096)
        #expect(throws: DeflateError.suspiciousRatio(limit: 100)) {
            try Self.inflated(packed, limits: believable)
        }
        #expect(throws: DeflateError.suspiciousRatio(limit: 100)) {
            try Self.streamed(packed, size: 64, maxOutput: 4096, limits: believable)
        }
        let floor = InflateLimits(maxBytes: 1 << 24, maxRatio: 100, ratioFloorBytes: 1 << 20)
        #expect(try Self.inflated(packed, limits: floor).count == 1 << 20)
    }
}
