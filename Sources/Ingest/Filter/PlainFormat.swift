import Common

/// Lines that are text and nothing else: they stay in `message`.
final class PlainFormat: LineFormat {
    let needsMessage = false

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        // Kept twice it would cost space for nothing.
        event.move(.eventOriginal, to: .message)
        return LineFacts()
    }
}
