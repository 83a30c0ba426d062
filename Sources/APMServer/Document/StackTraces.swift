import Common

/// Writes stack traces, of errors and of spans.
///
/// One frame of a document:
///
///     {"exclude_from_grouping":false, "filename":…, "classname":…, "abs_path":…, "module":…, "function":…,
///      "library_frame":true, "line":{"number":…, "column":…, "context":…}, "context":{"pre":[…],"post":[…]},
///      "vars":{…}, "original":{"library_frame":true}}
///
/// One per worker; it keeps no line.
final class StackTraces {
    private var decoder = EventDecoder()
    private var frame = EventFields()
    private let rumFrames: RUMFrames

    init(_ settings: MappingSettings) { rumFrames = RUMFrames(settings) }

    /// Appends a list of frames as a member; nothing when it is absent or empty.
    ///
    /// - Parameters:
    ///   - key: with quotes and colon.
    ///   - marksRUM: whether frames of requests on RUM paths are judged by the configured patterns.
    ///   - grouping: takes the names of the frames that group errors.
    func append(
        _ key: StaticString,
        _ frames: FieldValue,
        _ dialect: Dialect,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        marksRUM: Bool = true,
        grouping: GroupingKey? = nil,
        into buffer: inout ByteBuffer
    ) {
        guard frames.kind == .array else { return }
        let isMarked = marksRUM && metadata.request.isRUM
        let mark = buffer.count
        buffer.key(key)
        buffer.append(UInt8(ascii: "["))
        var list = ListReader(frames)
        while let element = list.next(line) {
            guard element.kind == .object else { continue }
            decoder.element(.frame, dialect, line, element.range, into: &frame)
            let marks = isMarked ? rumFrames.marks(frame, line) : FrameMarks(frame)
            if !marks.isExcluded, let grouping { addNames(line, to: grouping) }
            appendFrame(line, marks, into: &buffer)
        }
        if buffer[buffer.count - 1] == UInt8(ascii: "[") {
            buffer.truncate(to: mark)
        } else {
            buffer.append(UInt8(ascii: "]"))
        }
    }

    private func addNames(_ line: RawSpan, to grouping: GroupingKey) {
        if frame.hasText(.frameModule) {
            grouping.add(frame[.frameModule], line)
        } else if frame.hasText(.frameFilename) {
            grouping.add(frame[.frameFilename], line)
        } else {
            grouping.add(frame[.frameClassname], line)
        }
        grouping.add(frame[.frameFunction], line)
    }

    private func appendFrame(_ line: RawSpan, _ marks: FrameMarks, into buffer: inout ByteBuffer) {
        buffer.separate()
        buffer.append(#"{"exclude_from_grouping":"# as StaticString)
        buffer.append(marks.isExcluded ? "true" as StaticString : "false")
        buffer.member(#""filename":"#, frame[.frameFilename], line)
        buffer.member(#""classname":"#, frame[.frameClassname], line)
        buffer.member(#""abs_path":"#, frame[.frameAbsPath], line)
        buffer.member(#""module":"#, frame[.frameModule], line)
        buffer.member(#""function":"#, frame[.frameFunction], line)
        if marks.isLibrary { buffer.key(#""library_frame":true"#) }
        let place = buffer.openObject(#""line":"#)
        buffer.member(#""number":"#, frame[.frameLine], line)
        buffer.member(#""column":"#, frame[.frameColumn], line)
        buffer.member(#""context":"#, frame[.frameContextLine], line)
        buffer.closeObject(place)
        let context = buffer.openObject(#""context":"#)
        buffer.freeForm(#""pre":"#, frame[.framePreContext], line)
        buffer.freeForm(#""post":"#, frame[.framePostContext], line)
        buffer.closeObject(context)
        buffer.freeForm(#""vars":"#, frame[.frameVars], line)
        if marks.wasLibrary { buffer.key(#""original":{"library_frame":true}"#) }
        buffer.append(UInt8(ascii: "}"))
    }
}

/// What is known about a frame besides its own fields.
struct FrameMarks: Equatable {
    /// Whether the code is not the application's own.
    var isLibrary = false
    /// Whether the agent said so before the patterns were applied.
    var wasLibrary = false
    /// Whether it does not take part in grouping.
    var isExcluded = false

    /// As the agent marked it.
    init(_ frame: EventFields) { isLibrary = frame[.frameIsLibrary].kind == .true }
}
