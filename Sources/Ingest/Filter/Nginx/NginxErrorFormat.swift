import Common

/// Lines of nginx's error log.
///
///     2026/11/22 10:13:41 [error] 21426#21426: *10 connect() failed (111: Connection refused) while …, client: …
///
/// Times have no zone. `*10`, the connection, and everything behind the text are optional.
final class NginxErrorFormat: LineFormat {
    let needsZone = true
    private let fields: RequestFields
    private let webCategory: Range<Int>
    private let errorType: Range<Int>

    init(event: inout Event) {
        fields = RequestFields(event: &event)
        webCategory = event.addConstant(#"["web"]"#)
        errorType = event.addConstant(#"["error"]"#)
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        guard let head = Head(line, context.zone) else {
            throw LineFailure(reason: "the line does not begin with date, time, [level] and pid#tid:")
        }
        event.set(.eventCategory, json: webCategory, in: .arena)
        event.set(.eventType, json: errorType, in: .arena)
        LogLevel.set(head.level, line, &event)
        event.set(.processPID, integer: head.process)
        event.set(.processThreadID, integer: head.thread)
        if let connection = head.connection { event.set(.nginxErrorConnectionID, integer: connection) }
        event.set(.message, text: head.message, in: .line)
        var facts = LineFacts()
        facts.time = head.time
        set(NginxErrorParts(line, head.message), line, &event, &facts)
        return facts
    }

    private func set(
        _ parts: NginxErrorParts,
        _ line: RawSpan,
        _ event: inout Event,
        _ facts: inout LineFacts
    ) {
        event.set(.nginxErrorText, text: parts.text, in: .line)
        if let code = Self.systemError(line, parts.text) { event.set(.errorCode, text: code, in: .line) }
        if let client = parts.client { facts.client = fields.setClient(client, line, &event) }
        if let server = parts.server { event.set(.nginxErrorServer, text: server, in: .line) }
        if let request = parts.request { facts.query = fields.setRequest(request, line, &event) }
        if let subrequest = parts.subrequest { event.set(.nginxErrorSubrequest, text: subrequest, in: .line) }
        if let upstream = parts.upstream { event.set(.nginxErrorUpstream, text: upstream, in: .line) }
        if let host = parts.host {
            let parts = URLParts(line, host, isAuthority: true)
            if let domain = parts.domain { event.set(.urlDomain, text: domain, in: .line) }
            if let port = parts.port { event.set(.urlPort, integer: port) }
        }
        if let referrer = parts.referrer {
            event.set(.httpRequestReferrer, text: referrer, in: .line)
            facts.referrer = referrer
        }
    }

    /// The number in `(111: Connection refused)`, the last such.
    private static func systemError(_ line: RawSpan, _ text: Range<Int>) -> Range<Int>? {
        var found: Range<Int>?
        var start = text.lowerBound
        while let open = line.firstIndex(of: UInt8(ascii: "("), in: start..<text.upperBound) {
            start = open + 1
            var end = start
            // Numbers of errors have three digits at most.
            while end < text.upperBound, end - start < 5, line[end] &- 48 < 10 { end += 1 }
            if end > start, line.has(": ", at: end) { found = start..<end }
        }
        return found
    }

    /// What stands before the text.
    private struct Head {
        let time: CalendarTime
        let level: Range<Int>
        let process: Int64
        let thread: Int64
        let connection: Int64?
        let message: Range<Int>

        init?(_ line: RawSpan, _ zone: TimeZoneRules) {
            var reader = DateDigits(bytes: 0..<line.byteCount, offset: 0)
            guard let year = reader.digits(4, line), reader.take(UInt8(ascii: "/"), line),
                let month = reader.digits(2, line), reader.take(UInt8(ascii: "/"), line),
                let day = reader.digits(2, line), reader.take(0x20, line),
                let hour = reader.digits(2, line), reader.take(UInt8(ascii: ":"), line),
                let minute = reader.digits(2, line), reader.take(UInt8(ascii: ":"), line),
                let second = reader.digits(2, line), line.has(" [", at: reader.offset),
                let time = zone.time((year, month, day), (hour, minute, second))
            else { return nil }
            self.time = time
            let levelStart = reader.offset + 2
            var end = levelStart
            while end < line.byteCount, end - levelStart < LogLevel.maxBytes, (line[end] | 0x20) &- 97 < 26 {
                end += 1
            }
            guard end > levelStart, line.has("] ", at: end) else { return nil }
            level = levelStart..<end
            guard let (process, processEnd) = Self.number(line, end + 2), line.has("#", at: processEnd),
                let (thread, threadEnd) = Self.number(line, processEnd + 1), line.has(": ", at: threadEnd)
            else { return nil }
            self.process = process
            self.thread = thread
            var start = threadEnd + 2
            var connection: Int64?
            if line.has("*", at: start), let (number, numberEnd) = Self.number(line, start + 1),
                line.has(" ", at: numberEnd)
            {
                connection = number
                start = numberEnd + 1
            }
            self.connection = connection
            message = start..<line.byteCount
        }

        private static func number(_ line: RawSpan, _ start: Int) -> (value: Int64, end: Int)? {
            var end = start
            while end < line.byteCount, end - start < 19, line[end] &- 48 < 10 { end += 1 }
            return Decimal.integer(line, start..<end).map { ($0, end) }
        }
    }
}
