import Common

/// What a decoder made of a stream, in values that tests compare.
enum Heard: Equatable, CustomStringConvertible {
    case started(Int)
    case event(UInt32, String)
    case complete(ack: UInt32, count: Int)
    case refused(LumberjackError)

    var description: String {
        switch self {
        case .started(let count): "W\(count)"
        case .event(let sequence, let json): "J\(sequence) \(json.prefix(60))"
        case .complete(let ack, let count): "ack \(ack) of \(count)"
        case .refused(let error): "refused: \(error)"
        }
    }
}

/// A connection without a socket: feeds pieces to a decoder and drops what is used up, as ingest does.
struct LumberjackStream: ~Copyable {
    var decoder: LumberjackDecoder
    private var received = ByteBuffer()
    private var minimumBytes = 0
    private(set) var heard: [Heard] = []
    private(set) var isRefused = false

    init(limits: LumberjackLimits = LumberjackLimits()) { decoder = LumberjackDecoder(limits: limits) }

    mutating func receive(_ piece: ArraySlice<UInt8>) {
        received.append(Array(piece))
        guard !isRefused, received.count >= minimumBytes else { return }
        var offset = 0
        do {
            try read(&offset)
        } catch {
            heard.append(.refused(error))
            isRefused = true
        }
        received.removeFirst(offset)
    }

    private mutating func read(_ offset: inout Int) throws(LumberjackError) {
        while true {
            switch try Self.next(&decoder, received, &offset) {
            case (.needsMore(let minimum), _):
                minimumBytes = minimum
                return
            case (.windowStarted(let count), _): heard.append(.started(count))
            case (.event(let event), let json): heard.append(.event(event.sequence, json))
            case (.windowComplete(let ack, let count), _): heard.append(.complete(ack: ack, count: count))
            }
        }
    }

    private static func next(
        _ decoder: inout LumberjackDecoder,
        _ received: borrowing ByteBuffer,
        _ offset: inout Int
    ) throws(LumberjackError) -> (LumberjackDecoder.Step, String) {
        try received.withSpan { (bytes) throws(LumberjackError) -> (LumberjackDecoder.Step, String) in
            let step = try decoder.next(in: bytes, at: &offset)
            guard case .event(let event) = step else { return (step, "") }
            return (step, decoder.withBytes(of: event, in: bytes) { bytes, json in bytes.text(json) })
        }
    }

    /// Feeds `pieces` and answers what was heard.
    static func hear(_ pieces: [ArraySlice<UInt8>], limits: LumberjackLimits = LumberjackLimits()) -> [Heard]
    {
        var stream = LumberjackStream(limits: limits)
        for piece in pieces { stream.receive(piece) }
        return stream.heard
    }

    static func hear(_ bytes: [UInt8], limits: LumberjackLimits = LumberjackLimits()) -> [Heard] {
        hear([bytes[...]], limits: limits)
    }
}

/// Frames written by hand, independent of the encoder.
enum Frames {
    static func u32(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
    static func window(_ count: Int) -> [UInt8] { Array("2W".utf8) + u32(count) }
    static func json(_ sequence: Int, _ text: String) -> [UInt8] {
        Array("2J".utf8) + u32(sequence) + u32(text.utf8.count) + Array(text.utf8)
    }
    static func pairs(_ sequence: Int, _ strings: [String]) -> [UInt8] {
        Array("2D".utf8) + u32(sequence) + u32(strings.count / 2)
            + strings.flatMap { u32($0.utf8.count) + Array($0.utf8) }
    }
    static func compressed(_ inner: [UInt8], level: Int = 6) -> [UInt8] {
        let compressor = DeflateCompressor(level: level)
        var output = ByteBuffer()
        compressor.compress(inner.span.bytes, as: .zlib, into: &output)
        return Array("2C".utf8) + u32(output.count) + output.array
    }
}
