import Common

/// Structured data of RFC 5424: `[origin ip="192.0.2.1"][meta sequenceId="1"]`.
enum SyslogData {
    /// More elements and parameters than this are not looked at.
    private static let maxParameters = 256

    /// Where the data that starts at `start` ends; nil when it is none.
    static func end(_ line: RawSpan, _ start: Int) -> Int? {
        var offset = start
        while offset < line.byteCount, line[offset] == UInt8(ascii: "[") {
            var isQuoted = false
            offset += 1
            while offset < line.byteCount, isQuoted || line[offset] != UInt8(ascii: "]") {
                if line[offset] == UInt8(ascii: "\\"), isQuoted {
                    offset += 1
                } else if line[offset] == UInt8(ascii: "\"") {
                    isQuoted.toggle()
                }
                offset += 1
            }
            guard offset < line.byteCount else { return nil }
            offset += 1
        }
        return offset > start ? offset : nil
    }

    /// Sets `log.syslog.structured_data` to an object with an object for each element.
    ///
    /// Of names that repeat the first is taken: in JSON they may not.
    static func set(_ range: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let start = event.arena.count
        var offset = range.lowerBound
        var count = 0
        var elements: [Range<Int>] = []
        event.arena.append(UInt8(ascii: "{"))
        while offset < range.upperBound, line[offset] == UInt8(ascii: "["), count < maxParameters {
            offset += 1
            let name = endOfName(line, &offset, range.upperBound)
            let end = endOfElement(line, offset, range.upperBound)
            if isNew(name, line, &elements) {
                if elements.count > 1 { event.arena.append(UInt8(ascii: ",")) }
                append(name: line, name, to: &event.arena)
                append(parameters: line, offset..<end, &count, to: &event.arena)
            }
            offset = min(end + 1, range.upperBound)
            count += 1
        }
        event.arena.append(UInt8(ascii: "}"))
        event.set(.syslogStructuredData, json: start..<event.arena.count, in: .arena)
    }

    private static func append(
        parameters line: RawSpan,
        _ range: Range<Int>,
        _ count: inout Int,
        to arena: inout ByteBuffer
    ) {
        var offset = range.lowerBound
        var names: [Range<Int>] = []
        arena.append(UInt8(ascii: "{"))
        while offset < range.upperBound, line[offset] == 0x20, count < maxParameters {
            offset += 1
            let name = endOfName(line, &offset, range.upperBound)
            guard !name.isEmpty, line.has("=\"", at: offset) else { break }
            offset += 2
            count += 1
            let end = endOfValue(line, offset, range.upperBound)
            if isNew(name, line, &names) {
                if names.count > 1 { arena.append(UInt8(ascii: ",")) }
                append(name: line, name, to: &arena)
                append(value: line, offset..<end, to: &arena)
            }
            offset = min(end + 1, range.upperBound)
        }
        arena.append(UInt8(ascii: "}"))
    }

    /// Whether no name in `names` is the same; then it is added.
    private static func isNew(_ name: Range<Int>, _ line: RawSpan, _ names: inout [Range<Int>]) -> Bool {
        for known in names where known.count == name.count {
            let isSame = zip(known, name).allSatisfy { line[$0] == line[$1] }
            if isSame { return false }
        }
        names.append(name)
        return true
    }

    /// The bracket that closes the element around `start`.
    private static func endOfElement(_ line: RawSpan, _ start: Int, _ end: Int) -> Int {
        var offset = start
        while offset < end, line[offset] != UInt8(ascii: "]") {
            offset = line[offset] == UInt8(ascii: "\"") ? endOfValue(line, offset + 1, end) + 1 : offset + 1
        }
        return min(offset, end)
    }

    /// The quote that closes the value at `start`.
    private static func endOfValue(_ line: RawSpan, _ start: Int, _ end: Int) -> Int {
        var offset = start
        while offset < end, line[offset] != UInt8(ascii: "\"") {
            offset += line[offset] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(offset, end)
    }

    private static func endOfName(_ line: RawSpan, _ offset: inout Int, _ end: Int) -> Range<Int> {
        let start = offset
        while offset < end, line[offset] > 0x20, line[offset] != UInt8(ascii: "="),
            line[offset] != UInt8(ascii: "]"), line[offset] != UInt8(ascii: "\"")
        {
            offset += 1
        }
        return start..<offset
    }

    private static func append(name line: RawSpan, _ range: Range<Int>, to arena: inout ByteBuffer) {
        arena.append(UInt8(ascii: "\""))
        arena.append(jsonEscaped: line, range)
        arena.append("\":")
    }

    /// Appends a value, of which quotes, backslashes and brackets are escaped.
    private static func append(value line: RawSpan, _ range: Range<Int>, to arena: inout ByteBuffer) {
        arena.append(UInt8(ascii: "\""))
        var start = range.lowerBound
        var offset = start
        while offset < range.upperBound {
            if line[offset] == UInt8(ascii: "\\"), offset + 1 < range.upperBound,
                [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "]")].contains(line[offset + 1])
            {
                arena.append(jsonEscaped: line, start..<offset)
                start = offset + 1
                offset += 1
            }
            offset += 1
        }
        arena.append(jsonEscaped: line, start..<range.upperBound)
        arena.append(UInt8(ascii: "\""))
    }
}
