/// One event of a window: where its JSON lies.
///
/// Read it with `LumberjackDecoder.withBytes(of:in:_:)`.
package struct LumberjackEvent: Equatable, Sendable {
    enum Place: Equatable, Sendable {
        /// In the received bytes, for a J frame that was not compressed.
        case received
        /// In the decoder's buffer of the current C frame.
        case inflated
        /// In the decoder's buffer of the last D frame, turned into JSON.
        case converted
    }

    /// The sender's own number.
    package let sequence: UInt32
    let place: Place
    let range: Range<Int>

    /// Bytes of JSON.
    package var byteCount: Int { range.count }
}

/// The server's end of a Lumberjack v2 connection: bytes in, windows of events out.
///
/// Does no I/O and knows no time. The connection keeps the received bytes and an offset, calls `next` until it
/// answers `.needsMore`, drops the bytes before the offset, and reads on. It never has to hold more than
/// `LumberjackLimits.frameBytes` and a header; not reading is its back-pressure. Events are not copied: an event
/// lies in the received bytes, or in the one buffer into which a C frame is inflated.
package struct LumberjackDecoder: ~Copyable {
    package enum Step: Equatable, Sendable {
        /// Call again when at least `minimumBytes` bytes are there from the offset on.
        case needsMore(minimumBytes: Int)
        case windowStarted(count: Int)
        /// Valid until the next call, and as long as the received bytes stay where they are.
        case event(LumberjackEvent)
        /// All events of the window have been handed out. Once they are stored, `ack` is what the client waits
        /// for: the highest number it used, which need not be the count; 0 for an empty window.
        case windowComplete(ack: UInt32, count: Int)
    }

    /// Events read so far of those that the window announced.
    private struct Window {
        let announced: Int
        var received = 0
        var highest: UInt32 = 0

        mutating func add(_ sequence: UInt32) {
            // Serial number arithmetic (RFC 1982): numbers may wrap around within a window.
            if received == 0 || Int32(bitPattern: sequence &- highest) > 0 { highest = sequence }
            received += 1
        }
    }

    private let limits: LumberjackLimits
    private var window: Window?
    private var failure: LumberjackError?
    private var pairScan = LumberjackPairs.Scan()
    private var decompressor: DeflateDecompressor?
    /// The current C frame, inflated; empty between C frames.
    private var inflated = ByteBuffer()
    private var inflatedOffset = 0
    private var converted = ByteBuffer()

    package init(limits: LumberjackLimits = LumberjackLimits()) { self.limits = limits }

    /// Whether a window was announced and is not yet complete.
    ///
    /// A deadline for the rest may run.
    package var isInsideWindow: Bool { window != nil }

    /// Memory held by the decoder's own buffers.
    package var allocatedBytes: Int { inflated.capacity + converted.capacity }

    /// Reads on from `received[offset...]` and moves `offset` behind what is used up.
    ///
    /// A thrown error is final: the connection is to be closed without an ack, and each further call throws it again.
    package mutating func next(in received: RawSpan, at offset: inout Int) throws(LumberjackError) -> Step {
        if let failure { throw failure }
        do {
            return try step(in: received, at: &offset)
        } catch {
            failure = error
            throw error
        }
    }

    /// Calls `body` with the bytes that hold the event, and the range of its JSON in them.
    ///
    /// `received` are the bytes that `next` was called with, unmoved.
    @inline(__always)
    package func withBytes<R, E: Error>(
        of event: LumberjackEvent,
        in received: RawSpan,
        _ body: (RawSpan, Range<Int>) throws(E) -> R
    ) throws(E) -> R {
        switch event.place {
        case .received: try body(received, event.range)
        case .inflated: try inflated.withSpan { (bytes) throws(E) -> R in try body(bytes, event.range) }
        case .converted: try converted.withSpan { (bytes) throws(E) -> R in try body(bytes, event.range) }
        }
    }

    /// Gives memory above `bytes` per buffer back.
    ///
    /// For a connection that falls silent.
    package mutating func shrink(to bytes: Int) {
        inflated.shrink(to: bytes)
        converted.shrink(to: bytes)
    }

    /// Exchanges the inflate buffer for another, so that connections of one thread can share a large one.
    ///
    /// - Returns: false, and nothing is exchanged, while events of a C frame still lie in it.
    package mutating func exchangeInflateBuffer(with other: inout ByteBuffer) -> Bool {
        guard inflated.isEmpty else { return false }
        other.removeAll()
        swap(&inflated, &other)
        return true
    }

    private mutating func step(in received: RawSpan, at offset: inout Int) throws(LumberjackError) -> Step {
        while true {
            if let window, window.received == window.announced {
                self.window = nil
                return .windowComplete(ack: window.highest, count: window.announced)
            }
            if inflatedOffset < inflated.count {
                return .event(try nextInflated())
            }
            inflated.removeAll()
            inflatedOffset = 0
            if let step = try frame(in: received, at: &offset) { return step }
        }
    }

    /// Reads one frame of the connection; nil after a C frame, whose events then wait in `inflated`.
    private mutating func frame(in received: RawSpan, at offset: inout Int) throws(LumberjackError) -> Step? {
        guard let (frame, next) = try LumberjackFrame.header(in: received, at: offset) else {
            return .needsMore(minimumBytes: Self.headerBytes(after: received.byteCount - offset))
        }
        switch frame {
        case .window(let count):
            try start(count)
            offset = next
            return .windowStarted(count: count)
        case .compressed(let length):
            guard window != nil else { throw .eventOutsideWindow }
            guard length <= limits.frameBytes else {
                throw .frame(lengthBytes: length, limit: limits.frameBytes)
            }
            guard next + length <= received.byteCount else {
                return .needsMore(minimumBytes: next + length - offset)
            }
            try inflate(received, next..<next + length)
            offset = next + length
            return nil
        case .json, .pairs, .ack:
            guard window != nil else { throw .eventOutsideWindow }
            let item = try Self.item(
                frame,
                in: received,
                at: offset,
                next,
                &pairScan,
                &converted,
                limits
            )
            switch item {
            case .needsMore(let minimum): return .needsMore(minimumBytes: minimum)
            case .event(let sequence, let range, let end):
                window?.add(sequence)
                offset = end
                let place: LumberjackEvent.Place = range == nil ? .converted : .received
                return .event(
                    LumberjackEvent(sequence: sequence, place: place, range: range ?? 0..<converted.count)
                )
            }
        }
    }

    /// Bytes that get a header further of which `available` are there: a wrong type is noticed with the second.
    private static func headerBytes(after available: Int) -> Int {
        if available < 2 { return 2 }
        return available < LumberjackFrame.shortHeaderBytes
            ? LumberjackFrame.shortHeaderBytes : LumberjackFrame.eventHeaderBytes
    }

    private mutating func start(_ count: Int) throws(LumberjackError) {
        if let window {
            throw .windowIncomplete(received: window.received, announced: window.announced)
        }
        guard count <= limits.windowEvents else { throw .window(count: count, limit: limits.windowEvents) }
        window = Window(announced: count)
    }

    private mutating func inflate(_ received: RawSpan, _ range: Range<Int>) throws(LumberjackError) {
        let decompressor = self.decompressor.take() ?? DeflateDecompressor()
        do {
            try decompressor.inflate(received, range, as: .zlib, into: &inflated, limits: limits.inflate)
        } catch {
            inflated.removeAll()
            throw .compressed(error)
        }
        self.decompressor = consume decompressor
    }

    private mutating func nextInflated() throws(LumberjackError) -> LumberjackEvent {
        guard window != nil else { throw .eventOutsideWindow }
        let item = try Self.inflatedItem(inflated, at: inflatedOffset, &pairScan, &converted, limits)
        guard case .event(let sequence, let range, let end) = item else { throw .compressedEndsInsideFrame }
        window?.add(sequence)
        inflatedOffset = end
        let place: LumberjackEvent.Place = range == nil ? .converted : .inflated
        return LumberjackEvent(sequence: sequence, place: place, range: range ?? 0..<converted.count)
    }
}

// MARK: - Frames that carry one event

extension LumberjackDecoder {
    private enum Item {
        case needsMore(minimumBytes: Int)
        /// `json` is nil when the JSON was made from pairs and lies in `converted`.
        case event(sequence: UInt32, json: Range<Int>?, end: Int)
    }

    private static func inflatedItem(
        _ inflated: borrowing ByteBuffer,
        at offset: Int,
        _ scan: inout LumberjackPairs.Scan,
        _ converted: inout ByteBuffer,
        _ limits: LumberjackLimits
    ) throws(LumberjackError) -> Item {
        try inflated.withSpan { (bytes) throws(LumberjackError) -> Item in
            guard let (frame, next) = try LumberjackFrame.header(in: bytes, at: offset) else {
                throw .compressedEndsInsideFrame
            }
            return try item(frame, in: bytes, at: offset, next, &scan, &converted, limits)
        }
    }

    private static func item(
        _ frame: LumberjackFrame,
        in bytes: RawSpan,
        at offset: Int,
        _ next: Int,
        _ scan: inout LumberjackPairs.Scan,
        _ converted: inout ByteBuffer,
        _ limits: LumberjackLimits
    ) throws(LumberjackError) -> Item {
        switch frame {
        case .json(let sequence, let length):
            guard length > 0 else { throw .emptyEvent(sequence: sequence) }
            guard length <= limits.frameBytes else {
                throw .frame(lengthBytes: length, limit: limits.frameBytes)
            }
            guard next + length <= bytes.byteCount else {
                return .needsMore(minimumBytes: next + length - offset)
            }
            return .event(sequence: sequence, json: next..<next + length, end: next + length)
        case .pairs(let sequence, let count):
            if let minimum = try scan.advance(count, in: bytes, at: next, limitBytes: limits.frameBytes) {
                return .needsMore(minimumBytes: minimum + next - offset)
            }
            let end = next + scan.scannedBytes
            scan = LumberjackPairs.Scan()
            try LumberjackPairs.convert(
                count,
                in: bytes,
                at: next,
                into: &converted,
                limitBytes: limits.inflatedBytes
            )
            return .event(sequence: sequence, json: nil, end: end)
        case .window: throw .type(UInt8(ascii: "W"))
        case .compressed: throw .type(UInt8(ascii: "C"))
        case .ack: throw .type(UInt8(ascii: "A"))
        }
    }
}
