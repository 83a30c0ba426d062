import CZlib

/// Inflates a zlib or gzip stream piece by piece, for bodies that arrive over time.
///
/// The format is recognised by its header. Memory is zlib's 44 kB plus what the caller lets out per step.
package struct ZlibInflater: ~Copyable {
    /// What the stream waits for.
    package enum State: Equatable, Sendable {
        /// All input is used up; the stream goes on.
        case needsInput
        /// The step's output is full; call again, with the rest of the input.
        case outputFull
        /// The stream has ended; input behind it is not used.
        case finished
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let limits: InflateLimits
    private var isFinished = false
    /// Compressed bytes taken so far.
    package private(set) var consumedBytes = 0
    /// Inflated bytes made so far.
    package private(set) var producedBytes = 0

    package init(limits: InflateLimits) {
        self.limits = limits
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 + 32: the largest window, zlib or gzip by header (zlib.h, inflateInit2).
        let code = inflateInit2_(stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { fatalError("zlib refuses to start: code \(code)") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates from `input[offset...]`, appends at most `maxOutput` bytes to `output`, and moves `offset`.
    package mutating func inflate(
        _ input: RawSpan,
        at offset: inout Int,
        into output: inout ByteBuffer,
        maxOutput: Int
    ) throws(DeflateError) -> State {
        if isFinished { return .finished }
        // zlib counts in 32 bits; larger pieces go in several steps.
        let available = min(input.byteCount - offset, 1 << 30)
        let room = min(max(maxOutput, 1), 1 << 30)
        var code = Z_OK
        input.withUnsafeBytes { bytes in
            // zlib's interface lacks the `const`; it does not write to its input.
            let source = UnsafeMutableRawBufferPointer(mutating: bytes).baseAddress.map { $0 + offset }
            output.append(reserving: room) { free in
                stream.pointee.next_in = source?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room)
                code = CZlib.inflate(stream, Z_NO_FLUSH)
                return room - Int(stream.pointee.avail_out)
            }
        }
        let taken = available - Int(stream.pointee.avail_in)
        offset += taken
        consumedBytes += taken
        producedBytes += room - Int(stream.pointee.avail_out)
        stream.pointee.next_in = nil
        stream.pointee.next_out = nil
        try checkLimits()
        switch code {
        case Z_STREAM_END:
            isFinished = true
            return .finished
        case Z_OK, Z_BUF_ERROR:
            return stream.pointee.avail_out == 0 ? .outputFull : .needsInput
        default: throw .corrupt
        }
    }

    private func checkLimits() throws(DeflateError) {
        let allowance = limits.allowance(for: consumedBytes)
        guard producedBytes > allowance.bytes else { return }
        throw allowance.byRatio
            ? .suspiciousRatio(limit: limits.maxRatio) : .tooLarge(limitBytes: limits.maxBytes)
    }
}
