import CDeflate

/// What stands around the compressed bytes.
package enum DeflateFormat: Sendable {
    /// RFC 1950: two bytes of header, Adler-32 behind. Lumberjack's C frames.
    case zlib
    /// RFC 1952: ten bytes of header, CRC-32 and length behind. HTTP's `gzip`.
    case gzip
}

/// Why compressed bytes were refused.
package enum DeflateError: Error, Equatable {
    /// Not a whole, well-formed stream of its format, or its checksum is wrong.
    case corrupt
    /// The stream is whole, and bytes follow it.
    case trailingBytes(count: Int)
    /// It inflates to more than is allowed.
    case tooLarge(limitBytes: Int)
    /// It inflates to more than is believable for its compressed size.
    case suspiciousRatio(limit: Int)
}

extension DeflateError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .corrupt: "compressed data is damaged or incomplete"
        case .trailingBytes(let count): "\(count) bytes follow the end of the compressed data"
        case .tooLarge(let limit): "data inflates to more than \(limit) bytes"
        case .suspiciousRatio(let limit): "data inflates to more than \(limit) times its size"
        }
    }
}

/// How much inflated data is believed.
package struct InflateLimits: Equatable, Sendable {
    /// Most bytes that come out.
    package var maxBytes: Int
    /// Most bytes that come out per byte that goes in; deflate itself ends at 1,032.
    package var maxRatio: Int
    /// Output up to here is allowed at any ratio.
    package var ratioFloorBytes: Int

    package init(maxBytes: Int, maxRatio: Int = 400, ratioFloorBytes: Int = 1 << 20) {
        self.maxBytes = maxBytes
        self.maxRatio = maxRatio
        self.ratioFloorBytes = ratioFloorBytes
    }

    /// The limit for `compressedBytes` of input, and whether the ratio set it.
    func allowance(for compressedBytes: Int) -> (bytes: Int, byRatio: Bool) {
        let believable = max(ratioFloorBytes, compressedBytes.multipliedCapped(by: maxRatio))
        return believable < maxBytes ? (believable, true) : (maxBytes, false)
    }
}

extension Int {
    fileprivate func multipliedCapped(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}

/// Compresses whole buffers with libdeflate: twice zlib's speed, and smaller at level 1.
///
/// Keeps its working memory (about 0.7 MB at level 1, 9 MB from level 10 on) from call to call. One thread at a time.
package struct DeflateCompressor: ~Copyable {
    private let handle: OpaquePointer

    /// - Parameter level: 0 (stored) to 12 (slowest, smallest); 1 to 9 cost and gain about what zlib's do. Numbers
    ///   outside are taken as the nearest.
    package init(level: Int) {
        guard let handle = libdeflate_alloc_compressor(Int32(min(max(level, 0), 12))) else {
            fatalError("out of memory for a compressor")
        }
        self.handle = handle
    }

    deinit { libdeflate_free_compressor(handle) }

    /// Appends `bytes` to `output`, compressed as one whole stream.
    ///
    /// Allocates only when `output` must grow.
    package func compress(_ bytes: RawSpan, as format: DeflateFormat, into output: inout ByteBuffer) {
        bytes.withUnsafeBytes { source in
            let bound =
                switch format {
                case .zlib: libdeflate_zlib_compress_bound(handle, source.count)
                case .gzip: libdeflate_gzip_compress_bound(handle, source.count)
                }
            output.append(reserving: bound) { room in
                let written =
                    switch format {
                    case .zlib:
                        libdeflate_zlib_compress(
                            handle,
                            source.baseAddress,
                            source.count,
                            room.baseAddress,
                            room.count
                        )
                    case .gzip:
                        libdeflate_gzip_compress(
                            handle,
                            source.baseAddress,
                            source.count,
                            room.baseAddress,
                            room.count
                        )
                    }
                guard written > 0 else { fatalError("libdeflate wrote nothing within its own bound") }
                return written
            }
        }
    }
}

/// Inflates whole buffers with libdeflate: three times zlib's speed.
///
/// One thread at a time.
package struct DeflateDecompressor: ~Copyable {
    /// First size tried, as a multiple of the input: nginx events as Beats write them inflate 16-fold.
    private static let expectedRatio = 16
    private let handle: OpaquePointer

    package init() {
        guard let handle = libdeflate_alloc_decompressor() else {
            fatalError("out of memory for a decompressor")
        }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// Replaces the content of `output` by the inflated `bytes[range]`, which must be one stream and nothing else.
    ///
    /// libdeflate wants the room before it starts: the buffer's own capacity or a guess is tried first, then four
    /// times as much, up to the limit. A buffer that is used again soon fits. Memory is asked for but touched
    /// only as far as data goes.
    package func inflate(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        as format: DeflateFormat,
        into output: inout ByteBuffer,
        limits: InflateLimits
    ) throws(DeflateError) {
        let allowance = limits.allowance(for: range.count)
        var size = min(max(output.capacity, range.count * Self.expectedRatio, 4096), allowance.bytes)
        while true {
            if try inflate(bytes, range, as: format, into: &output, sizeBytes: size) { return }
            guard size < allowance.bytes else {
                throw allowance.byRatio
                    ? .suspiciousRatio(limit: limits.maxRatio) : .tooLarge(limitBytes: limits.maxBytes)
            }
            size = min(size * 4, allowance.bytes)
        }
    }

    /// - Returns: whether `sizeBytes` were enough.
    private func inflate(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        as format: DeflateFormat,
        into output: inout ByteBuffer,
        sizeBytes: Int
    ) throws(DeflateError) -> Bool {
        output.removeAll()
        var consumed = 0
        var result = LIBDEFLATE_BAD_DATA
        bytes.withUnsafeBytes { all in
            let source = UnsafeRawBufferPointer(rebasing: all[range])
            output.append(reserving: sizeBytes) { room in
                let limit = min(sizeBytes, room.count)
                var written = 0
                switch format {
                case .zlib:
                    result = libdeflate_zlib_decompress_ex(
                        handle,
                        source.baseAddress,
                        source.count,
                        room.baseAddress,
                        limit,
                        &consumed,
                        &written
                    )
                case .gzip:
                    result = libdeflate_gzip_decompress_ex(
                        handle,
                        source.baseAddress,
                        source.count,
                        room.baseAddress,
                        limit,
                        &consumed,
                        &written
                    )
                }
                return result == LIBDEFLATE_SUCCESS ? written : 0
            }
        }
        switch result {
        case LIBDEFLATE_SUCCESS where consumed == range.count: return true
        case LIBDEFLATE_SUCCESS: throw .trailingBytes(count: range.count - consumed)
        case LIBDEFLATE_INSUFFICIENT_SPACE: return false
        default: throw .corrupt
        }
    }
}

/// CRC-32 of the gzip format (RFC 1952, section 8), for files of our own that must notice damage.
package enum CRC32 {
    /// - Parameter seed: the checksum of the bytes before, when they come in parts.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        libdeflate_crc32(seed, bytes.baseAddress, bytes.count)
    }
}
