import Common

/// Undoes the compression of one request body as it arrives.
///
/// `Content-Encoding: gzip` or `deflate` (zlib's format) is taken at its word; with any other value, or none, the first
/// two bytes decide, so that a gzipped body without the header works.
struct BodyDecoder: ~Copyable {
    enum Format { case gzip, zlib, plain }

    /// nil until two bytes have come.
    private var format: Format?
    private let declared: Format?
    private let maxBytes: Int
    private var first: UInt8?
    private var inflater: ZlibInflater?
    private var isMemberComplete = false
    private var producedBytes = 0

    /// - Parameters:
    ///   - contentEncoding: the header's value.
    ///   - maxBytes: what the body may inflate to.
    init(contentEncoding: String?, maxBytes: Int) {
        declared = Self.declared(contentEncoding)
        self.maxBytes = maxBytes
    }

    /// The format that a header names; nil when the first bytes decide.
    static func declared(_ contentEncoding: String?) -> Format? {
        switch contentEncoding {
        case "gzip": .gzip
        case "deflate": .zlib
        default: nil
        }
    }

    /// What two first bytes look like.
    static func sniffed(_ first: UInt8, _ second: UInt8) -> Format {
        if first == 0x1F && second == 0x8B { return .gzip }
        return first & 0x0F == 8 ? .zlib : .plain
    }

    /// Decodes `input[offset...]`, appends at most about `maxOutput` bytes to `output` and moves `offset`: to the end
    /// when there is nothing more to come out of the input.
    mutating func decode(
        _ input: RawSpan,
        at offset: inout Int,
        into output: inout ByteBuffer,
        maxOutput: Int
    ) throws(IntakeError) {
        guard offset < input.byteCount else { return }
        if format == nil { try decide(input, at: &offset, into: &output) }
        switch format {
        case nil: return
        case .plain:
            let end = min(input.byteCount, offset + maxOutput)
            try count(end - offset)
            output.append(input, offset..<end)
            offset = end
        case .gzip, .zlib: try inflate(input, at: &offset, into: &output, maxOutput: maxOutput)
        }
    }

    /// Checks that the body did not end inside compressed data.
    mutating func finish(into output: inout ByteBuffer) throws(IntakeError) {
        if format == nil, let first {
            // A single byte.
            guard declared == nil else { throw Self.invalidHeader(declared ?? .gzip) }
            output.append(first)
            format = .plain
        }
        guard inflater == nil || isMemberComplete else {
            throw IntakeError(.encoding, "data decoding error: unexpected EOF")
        }
    }

    private mutating func decide(
        _ input: RawSpan,
        at offset: inout Int,
        into output: inout ByteBuffer
    ) throws(IntakeError) {
        guard let first else {
            first = input[offset]
            offset += 1
            return offset < input.byteCount ? try decide(input, at: &offset, into: &output) : ()
        }
        let sniffed = Self.sniffed(first, input[offset])
        let format = declared ?? sniffed
        guard declared == nil || sniffed == declared else { throw Self.invalidHeader(format) }
        // The two bytes of zlib's header are a multiple of 31 (RFC 1950, section 2.2).
        let isHeader = (Int(first) << 8 | Int(input[offset])) % 31 == 0
        guard format != .zlib || isHeader else { throw Self.invalidHeader(format) }
        self.format = format
        guard format != .plain else {
            try count(1)
            output.append(first)
            return
        }
        startMember()
        var start = 0
        try withUnsafeBytes(of: first) { (byte) throws(IntakeError) in
            _ = try run(byte.bytes, at: &start, into: &output, maxOutput: 64)
        }
    }

    private mutating func inflate(
        _ input: RawSpan,
        at offset: inout Int,
        into output: inout ByteBuffer,
        maxOutput: Int
    ) throws(IntakeError) {
        if isMemberComplete {
            // gzip files may be joined end to end (RFC 1952, section 2.2); anything else behind the end is ignored.
            guard format == .gzip, input[offset] == 0x1F else {
                offset = input.byteCount
                return
            }
            startMember()
        }
        let state = try run(input, at: &offset, into: &output, maxOutput: maxOutput)
        isMemberComplete = state == .finished
    }

    private mutating func startMember() {
        isMemberComplete = false
        inflater = ZlibInflater(limits: InflateLimits(maxBytes: maxBytes, maxRatio: 2000))
    }

    private mutating func run(
        _ input: RawSpan,
        at offset: inout Int,
        into output: inout ByteBuffer,
        maxOutput: Int
    ) throws(IntakeError) -> ZlibInflater.State {
        let before = output.count
        let state: ZlibInflater.State
        do {
            state =
                try inflater?.inflate(input, at: &offset, into: &output, maxOutput: maxOutput) ?? .finished
        } catch .tooLarge {
            throw tooLarge
        } catch {
            throw IntakeError(
                .encoding,
                "data decoding error: \(format == .gzip ? "gzip" : "zlib"): invalid data"
            )
        }
        try count(output.count - before)
        return state
    }

    private mutating func count(_ bytes: Int) throws(IntakeError) {
        producedBytes += bytes
        guard producedBytes <= maxBytes else { throw tooLarge }
    }

    private var tooLarge: IntakeError {
        IntakeError(.encoding, "the body has more than \(maxBytes) bytes")
    }

    private static func invalidHeader(_ format: Format) -> IntakeError {
        IntakeError(.encoding, "data decoding error: \(format == .zlib ? "zlib" : "gzip"): invalid header")
    }
}
