/// The client's end of a window: events are written in place, one behind the other, then sealed for sending.
///
/// Sequence numbers start at 1 in every window, as Beats do. Keeps its memory from window to window; an event
/// allocates only while the buffer grows to its usual size.
package struct LumberjackEncoder: ~Copyable {
    /// The window in the making.
    ///
    /// Between `beginEvent` and `endEvent` the caller appends the event's JSON.
    package var buffer: ByteBuffer
    /// Finished events.
    package private(set) var count = 0
    private var eventStart = 0

    /// - Parameter capacity: room for the J frames of a usual window.
    package init(capacity: Int = 1 << 20) {
        buffer = ByteBuffer(capacity: capacity)
        begin()
    }

    package var isEmpty: Bool { count == 0 }

    /// Bytes of all finished events, headers included, before compression.
    package var byteCount: Int { buffer.count - LumberjackFrame.shortHeaderBytes }

    /// Starts an empty window; what was written and not sealed is gone.
    package mutating func begin() {
        buffer.removeAll()
        count = 0
        // The count is set when it is known.
        buffer.append("2W" as StaticString)
        buffer.appendBigEndian(0)
    }

    /// Writes the next event's header.
    ///
    /// Its JSON is then appended to `buffer`.
    @inline(__always)
    package mutating func beginEvent() {
        eventStart = buffer.count
        buffer.append("2J" as StaticString)
        buffer.appendBigEndian(UInt32(truncatingIfNeeded: count + 1))
        buffer.appendBigEndian(0)
    }

    /// Ends the event whose JSON was appended since `beginEvent`.
    @inline(__always)
    package mutating func endEvent() {
        let length = buffer.count - eventStart - LumberjackFrame.eventHeaderBytes
        guard length > 0, let field = UInt32(exactly: length) else {
            fatalError("a Lumberjack event of \(length) bytes")
        }
        buffer.setBigEndian(field, at: eventStart + 6)
        count += 1
    }

    /// Forgets the event begun last, for a caller that finds it too large or unfit.
    package mutating func cancelEvent() { buffer.truncate(to: eventStart) }

    /// Seals the window uncompressed into `output`, whose old content is forgotten, and starts the next.
    ///
    /// Nothing is copied: the two exchange their buffers.
    package mutating func finish(into output: inout ByteBuffer) {
        buffer.setBigEndian(UInt32(truncatingIfNeeded: count), at: 2)
        swap(&buffer, &output)
        begin()
    }

    /// Seals the window as one C frame into `output`, whose old content is forgotten, and starts the next.
    package mutating func finish(into output: inout ByteBuffer, compressor: borrowing DeflateCompressor) {
        output.removeAll()
        output.append("2W" as StaticString)
        output.appendBigEndian(UInt32(truncatingIfNeeded: count))
        if count > 0 {
            output.append("2C" as StaticString)
            output.appendBigEndian(0)
            let start = output.count
            Self.compress(buffer, with: compressor, into: &output)
            guard let length = UInt32(exactly: output.count - start) else {
                fatalError("a Lumberjack frame of \(output.count - start) bytes")
            }
            output.setBigEndian(length, at: start - 4)
        }
        begin()
    }

    private static func compress(
        _ frames: borrowing ByteBuffer,
        with compressor: borrowing DeflateCompressor,
        into output: inout ByteBuffer
    ) {
        frames.withUnsafeBytes { bytes in
            let events = UnsafeRawBufferPointer(rebasing: bytes[LumberjackFrame.shortHeaderBytes...])
            compressor.compress(events.bytes, as: .zlib, into: &output)
        }
    }
}
