import Common

/// The window that harvesters fill, and the buffers that windows travel in.
///
/// Lines are encoded where they will be sent from: there is no queue of events as objects. Bounded by the window's
/// limits in events and bytes, and by the caller, who fills a window only when one may be sent.
struct EventQueue: ~Copyable {
    struct Limits: Equatable, Sendable {
        /// Events in one window.
        var events = 2048
        /// Bytes of frames in one window, before compression.
        ///
        /// One longer event makes a window of its own.
        var bytes = 1 << 20
        /// 0 sends plain frames.
        var compressionLevel = 1
    }

    /// One event's JSON above this is cut, whatever `max_bytes` allows: escapes make up to six bytes of one, and
    /// receivers refuse frames above 16 MiB.
    static let maxEventBytes = 15 << 20

    private let limits: Limits
    /// Most events of the windows that are not sealed yet; never above the limit.
    var maxEvents: Int { didSet { maxEvents = min(max(maxEvents, 1), limits.events) } }
    private var encoder: LumberjackEncoder
    private let compressor: Compressor?
    /// Buffers of stored windows, to be filled again.
    private var spare: [Batch] = []
    private var progress: [Batch.Progress] = []
    private var lineBytes = 0
    private var nextID: SendWindow.ID = 1

    init(limits: Limits) {
        self.limits = limits
        maxEvents = limits.events
        encoder = LumberjackEncoder(capacity: limits.bytes + limits.bytes / 8)
        compressor = limits.compressionLevel > 0 ? Compressor(level: limits.compressionLevel) : nil
    }

    /// Whether the event begun is larger than receivers take.
    var isEventTooLarge: Bool { encoder.byteCount > Self.maxEventBytes }
    /// Whether there is nothing to send: no events and no progress past empty lines.
    var isEmpty: Bool { encoder.isEmpty && progress.isEmpty }
    var hasEvents: Bool { !encoder.isEmpty }
    var isFull: Bool { encoder.count >= maxEvents || encoder.byteCount >= limits.bytes }
    /// Bytes that the window still takes.
    var room: Int { limits.bytes - encoder.byteCount }

    /// Appends one line as an event.
    ///
    /// No allocation, unless the line is longer than the buffer was made for.
    @inline(__always)
    mutating func append(
        _ bytes: RawSpan,
        _ line: Range<Int>,
        offset: Int64,
        opening: borrowing ByteBuffer,
        template: borrowing EventTemplate
    ) {
        encoder.beginEvent()
        encoder.buffer.append(opening)
        encoder.buffer.append(jsonEscaped: bytes, line)
        encoder.buffer.append(#"","log":{"offset":"# as StaticString)
        encoder.buffer.append(decimal: offset)
        encoder.buffer.append(template.ending)
        encoder.endEvent()
    }

    /// Begins an event with what `write` appends; `appendPiece` and `endEvent` follow.
    mutating func beginEvent(_ write: (inout ByteBuffer) -> Void) {
        encoder.beginEvent()
        write(&encoder.buffer)
    }

    /// Begins an event whose line comes in pieces.
    mutating func beginLongEvent(opening: borrowing ByteBuffer) {
        encoder.beginEvent()
        encoder.buffer.append(opening)
    }

    /// Appends a piece of the line.
    ///
    /// - Returns: false when the event is as large as it may be; what does not fit is left out.
    mutating func appendPiece(_ bytes: RawSpan, _ piece: Range<Int>) -> Bool {
        let start = encoder.buffer.count
        encoder.buffer.append(jsonEscaped: bytes, piece)
        guard encoder.byteCount > Self.maxEventBytes else { return true }
        encoder.buffer.truncate(to: start)
        return false
    }

    /// Ends an event with what `write` appends.
    mutating func endEvent(_ write: (inout ByteBuffer) -> Void) {
        write(&encoder.buffer)
        encoder.endEvent()
    }

    mutating func endLongEvent(offset: Int64, flags: LogFlags, template: borrowing EventTemplate) {
        encoder.buffer.append(#"","log":{"# as StaticString)
        encoder.buffer.append(flags)
        encoder.buffer.append(#""offset":"# as StaticString)
        encoder.buffer.append(decimal: offset)
        encoder.buffer.append(template.ending)
        encoder.endEvent()
    }

    /// Drops the event that was begun.
    mutating func cancelEvent() { encoder.cancelEvent() }

    /// Records that everything of `file` before `offset` is in this window or an earlier one.
    mutating func advance(_ file: FileState, to offset: Int64, _ fingerprint: Fingerprint, lineBytes: Int) {
        self.lineBytes += lineBytes
        let entry = Batch.Progress(file: file, offset: offset, fingerprint: fingerprint)
        // Harvesters take turns, so the file is nearly always the last one.
        if let last = progress.indices.last, progress[last].file === file {
            progress[last] = entry
        } else {
            progress.append(entry)
        }
    }

    /// Progress without events (only empty lines were read): it belongs to whatever was sent last.
    mutating func takeProgress() -> [Batch.Progress] {
        defer {
            progress.removeAll(keepingCapacity: true)
            lineBytes = 0
        }
        return progress
    }

    /// Seals the window and begins the next.
    mutating func seal() -> Batch {
        let count = UInt32(encoder.count)
        var frames = spare.popLast()?.takeFrames() ?? ByteBuffer(capacity: 64)
        if let compressor {
            encoder.finish(into: &frames, compressor: compressor.deflate)
        } else {
            if frames.capacity < limits.bytes { frames.reserve(limits.bytes + limits.bytes / 8) }
            encoder.finish(into: &frames)
        }
        encoder.buffer.shrink(to: 2 * limits.bytes)
        let batch = Batch(id: nextID, count: count, frames: frames, progress: progress, lineBytes: lineBytes)
        nextID += 1
        progress.removeAll(keepingCapacity: true)
        lineBytes = 0
        return batch
    }

    /// Gives up the buffers of windows; the next window makes its own.
    mutating func releaseMemory() {
        spare.removeAll()
        if encoder.isEmpty { encoder.buffer.shrink(to: 0) }
    }

    /// Takes a stored window's buffer back.
    mutating func recycle(_ batch: Batch) {
        guard spare.count < 2 else { return }
        batch.progress = []
        batch.frames.removeAll()
        batch.frames.shrink(to: 2 * limits.bytes)
        spare.append(batch)
    }
}

/// A compressor that may be there or not.
private final class Compressor {
    let deflate: DeflateCompressor

    init(level: Int) { deflate = DeflateCompressor(level: level) }
}

extension Batch {
    /// Gives the buffer away; the batch is empty afterwards.
    func takeFrames() -> ByteBuffer {
        var frames = ByteBuffer(capacity: 0)
        swap(&frames, &self.frames)
        return frames
    }
}
