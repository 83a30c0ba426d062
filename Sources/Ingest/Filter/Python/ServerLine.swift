import Common

/// A line of a Python development server.
///
///     127.0.0.1 - - [22/Nov/2026 10:14:47] "GET / HTTP/1.1" 200 -     Werkzeug, and so Flask
///     [22/Nov/2026 10:15:41] "GET /missing?x=1 HTTP/1.1" 404 2775     Django
///     [22/Nov/2026 10:44:25] code 400, message Bad request syntax ('GARBAGE')
///
/// Nothing in the request is escaped, so it is cut from the right.
struct ServerLine {
    private let fields: RequestFields

    init(event: inout Event) { fields = RequestFields(event: &event) }

    /// Sets the fields of such a line; nil for any other.
    func apply(_ line: RawSpan, _ zone: TimeZoneRules, _ event: inout Event) -> LineFacts? {
        var start = 0
        var client: Range<Int>?
        if line.byteCount > 0, line[0] != UInt8(ascii: "[") {
            guard let dash = line.firstIndex(of: " - ", in: 0..<min(line.byteCount, 256)), dash > 0,
                line.firstIndex(of: 0x20, in: 0..<dash) == nil,
                let bracket = line.firstIndex(of: " [", in: dash + 2..<min(line.byteCount, 512))
            else { return nil }
            client = 0..<dash
            start = bracket + 1
        }
        guard start < line.byteCount, line[start] == UInt8(ascii: "["), start + 3 < line.byteCount,
            // A day, and not the year with which records of loggers begin.
            line[start + 3] == UInt8(ascii: "/"),
            let (time, timeEnd) = PythonTime.read(line, start + 1..<line.byteCount, zone),
            line.has("] ", at: timeEnd)
        else { return nil }
        let message = timeEnd + 2..<line.byteCount
        var facts = LineFacts()
        facts.time = time
        if let client { facts.client = fields.setClient(client, line, &event) }
        // A traceback may have been joined to the line before it.
        let end = line.firstIndex(of: 0x0A, in: message) ?? line.byteCount
        let isRequest = setRequest(message.lowerBound..<end, line, &event, &facts)
        if !isRequest, line.has("code ", at: message.lowerBound) { LogLevel.set("error", &event) }
        PythonMessage.set(message, line, &event)
        return facts
    }

    /// Sets the fields of a message of the logger `django.server`.
    func setRequest(_ message: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        var facts = LineFacts()
        _ = setRequest(message, line, &event, &facts)
    }

    /// `"GET / HTTP/1.1" 200 2`: false for any other text.
    private func setRequest(
        _ message: Range<Int>,
        _ line: RawSpan,
        _ event: inout Event,
        _ facts: inout LineFacts
    ) -> Bool {
        guard message.count > 2, line[message.lowerBound] == UInt8(ascii: "\""),
            let (rest, size) = Self.lastWord(message, line),
            let (request, status) = Self.lastWord(rest, line),
            status.count == 3, line.areDigits(status),
            request.count >= 2, line[request.upperBound - 1] == UInt8(ascii: "\"")
        else { return false }
        fields.setKind(&event)
        facts.query = fields.setRequest(request.lowerBound + 1..<request.upperBound - 1, line, &event)
        fields.setStatus(status, line, &event)
        if let bytes = Decimal.integer(line, size) { event.set(.httpResponseBodyBytes, integer: bytes) }
        return true
    }

    /// Splits at the last blank.
    private static func lastWord(
        _ range: Range<Int>,
        _ line: RawSpan
    ) -> (rest: Range<Int>, word: Range<Int>)? {
        var index = range.upperBound
        while index > range.lowerBound, line[index - 1] != 0x20 { index -= 1 }
        guard index - 1 > range.lowerBound, index < range.upperBound else { return nil }
        return (range.lowerBound..<index - 1, index..<range.upperBound)
    }
}
