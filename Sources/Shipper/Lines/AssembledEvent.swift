import Common

/// An event while its lines come in; reused for later ones.
final class AssembledEvent {
    /// Where its first line begins in the file.
    var start: Int64 = 0
    /// The message in UTF-8, as far as it may be sent.
    var text = ByteBuffer(capacity: 256)
    /// Lines in it, those left out included.
    var lines = 0
    /// Whether something of it was left out.
    var isTruncated = false
    /// Whether its last line has no end yet, or its container line goes on.
    var isPartial = false
    /// Of container logs.
    var stream: OutputStream?
    var time: CalendarTime?
    /// The object of its first line.
    var object: JSONObject?
    /// Why a line could not be read as it should.
    var problem: (type: StaticString, message: String)?
    var traceback = PythonTraceback()

    func reset(start: Int64) {
        self.start = start
        text.removeAll()
        text.shrink(to: 64 << 10)
        lines = 0
        isTruncated = false
        isPartial = false
        stream = nil
        time = nil
        object = nil
        problem = nil
        traceback = PythonTraceback()
    }

    /// Appends text up to a limit.
    func append(_ bytes: RawSpan, _ range: Range<Int>, limit: Int) {
        let room = limit - text.count
        guard range.count > room else {
            text.append(bytes, range)
            return
        }
        isTruncated = true
        guard room > 0 else { return }
        text.append(bytes, bytes.trimmedToWholeScalars(range.lowerBound..<range.lowerBound + room))
    }
}
