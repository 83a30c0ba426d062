import Common

/// A line of syslog taken apart, as ranges.
struct SyslogRecord {
    private(set) var priority: Int?
    private(set) var version: Range<Int>?
    private(set) var time: CalendarTime?
    private(set) var badTime: Range<Int>?
    private(set) var host: Range<Int>?
    private(set) var application: Range<Int>?
    private(set) var process: Range<Int>?
    private(set) var messageID: Range<Int>?
    private(set) var structuredData: Range<Int>?
    private(set) var message: Range<Int>

    /// Highest priority: facility 23, severity 7.
    private static let maxPriority = 191
    /// Longer words are no name of a program.
    private static let maxTagBytes = 256

    /// - Returns: nil for a line that has none of the forms.
    init?(_ line: RawSpan, _ context: LineContext) {
        message = 0..<line.byteCount
        var offset = 0
        if let (priority, end) = Self.priority(line) {
            self.priority = priority
            offset = end
            if line.has("1 ", at: end) {
                version = end..<end + 1
                guard takeNew(line, end + 2) else { return nil }
                return
            }
        }
        guard takeTime(line, &offset, context) else {
            // RFC 3164, section 4.3.3: after a priority anything may follow.
            guard priority != nil else { return nil }
            message = offset..<line.byteCount
            return
        }
        takeOld(line, offset)
    }

    private static func priority(_ line: RawSpan) -> (Int, end: Int)? {
        guard line.has("<", at: 0) else { return nil }
        var end = 1
        while end < line.byteCount, end < 4, line[end] &- 48 < 10 { end += 1 }
        guard line.has(">", at: end), let value = Decimal.integer(line, 1..<end), value <= maxPriority else {
            return nil
        }
        return (Int(value), end + 1)
    }

    // MARK: - RFC 5424

    /// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]`, of which `-` is one without a value.
    private mutating func takeNew(_ line: RawSpan, _ start: Int) -> Bool {
        var offset = start
        guard let stamp = Self.word(line, &offset), let host = Self.word(line, &offset),
            let application = Self.word(line, &offset), let process = Self.word(line, &offset),
            let id = Self.word(line, &offset)
        else { return false }
        if !line.equals("-", stamp) {
            time = CalendarTime.parse(iso8601: line, stamp)
            if time == nil { badTime = stamp }
        }
        func value(_ range: Range<Int>) -> Range<Int>? { line.equals("-", range) ? nil : range }
        self.host = value(host)
        self.application = value(application)
        self.process = value(process)
        messageID = value(id)
        if line.has("-", at: offset) {
            offset += 1
        } else if let end = SyslogData.end(line, offset) {
            structuredData = offset..<end
            offset = end
        } else {
            return false
        }
        guard offset == line.byteCount || line[offset] == 0x20 else { return false }
        var messageStart = min(offset + 1, line.byteCount)
        // A mark that the text is UTF-8.
        if line.has("\u{FEFF}", at: messageStart) { messageStart += 3 }
        message = messageStart..<line.byteCount
        return true
    }

    /// Text up to a blank, and the offset behind that.
    private static func word(_ line: RawSpan, _ offset: inout Int) -> Range<Int>? {
        let start = offset
        guard start < line.byteCount, let end = line.firstIndex(of: 0x20, in: start..<line.byteCount),
            end > start
        else { return nil }
        offset = end + 1
        return start..<end
    }

    // MARK: - RFC 3164

    private mutating func takeTime(_ line: RawSpan, _ offset: inout Int, _ context: LineContext) -> Bool {
        if let (time, end) = SyslogTime.read(line, offset..<line.byteCount, context) {
            self.time = time
            offset = end
        } else if let end = line.firstIndex(of: 0x20, in: offset..<min(line.byteCount, offset + 40)),
            let time = CalendarTime.parse(iso8601: line, offset..<end)
        {
            self.time = time
            offset = end
        } else {
            return false
        }
        guard offset < line.byteCount, line[offset] == 0x20 else { return false }
        offset += 1
        return true
    }

    /// `HOSTNAME TAG[PID]: MSG`; devices leave the host out, and then the tag comes first.
    private mutating func takeOld(_ line: RawSpan, _ start: Int) {
        var offset = start
        var first = offset
        if let word = Self.word(line, &offset), line[word.upperBound - 1] != UInt8(ascii: ":") {
            host = word
            first = offset
        }
        message = first..<line.byteCount
        var end = first
        while end < line.byteCount, end - first < Self.maxTagBytes, line[end] > 0x20,
            line[end] != UInt8(ascii: "["), line[end] != UInt8(ascii: ":")
        {
            end += 1
        }
        guard end > first, end < line.byteCount else { return }
        let name = first..<end
        if line[end] == UInt8(ascii: "[") {
            guard let close = line.firstIndex(of: UInt8(ascii: "]"), in: end..<min(line.byteCount, end + 64))
            else { return }
            process = end + 1 < close ? end + 1..<close : nil
            end = close + 1
        }
        guard line.has(":", at: end) else {
            process = nil
            return
        }
        application = name
        end += 1
        if line.has(" ", at: end) { end += 1 }
        message = min(end, line.byteCount)..<line.byteCount
    }
}
