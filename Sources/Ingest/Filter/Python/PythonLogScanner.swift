import Common

/// Cuts lines by the format of a Python logger.
///
/// Names, levels, numbers and times have shapes of their own, and text ends at the literal behind it, so time grows linearly
/// with the line. The message is the rest, with all lines that follow.
struct PythonLogScanner {
    let format: PythonLogFormat
    /// The values of the last line that was cut, one for each step.
    private(set) var values: [Range<Int>]
    private(set) var time: CalendarTime?
    /// Longest name, or other text before the message.
    private static let maxTextBytes = 1024

    init(format: PythonLogFormat) {
        self.format = format
        values = Array(repeating: 0..<0, count: format.steps.count)
    }

    /// Cuts `line` into `values` and `time`; false when it has not this format.
    mutating func cut(_ line: RawSpan, _ zone: TimeZoneRules) -> Bool {
        time = nil
        guard has(format.opening, line, at: 0) else { return false }
        var offset = format.opening.count
        for index in format.steps.indices {
            let step = format.steps[index]
            if step.isPadded { skipBlanks(line, &offset) }
            guard let end = end(of: step, line, from: offset, zone) else { return false }
            values[index] = offset..<end
            offset = end
            if step.isPadded { skipBlanks(line, &offset) }
            // Blanks in front of the literal may have been skipped with those of the width.
            var literal = offset
            if step.isPadded, let first = step.literal.first, first == 0x20 {
                guard literal > end, line[literal - 1] == 0x20 else { return false }
                literal -= 1
            }
            guard has(step.literal, line, at: literal) else { return false }
            offset = literal + step.literal.count
        }
        return offset == line.byteCount
    }

    private func skipBlanks(_ line: RawSpan, _ offset: inout Int) {
        while offset < line.byteCount, line[offset] == 0x20 { offset += 1 }
    }

    private func has(_ literal: [UInt8], _ line: RawSpan, at offset: Int) -> Bool {
        guard offset + literal.count <= line.byteCount else { return false }
        for distance in 0..<literal.count where line[offset + distance] != literal[distance] { return false }
        return true
    }

    /// Where the value at `start` ends; nil if none of its kind starts there.
    private mutating func end(
        of step: PythonLogFormat.Step,
        _ line: RawSpan,
        from start: Int,
        _ zone: TimeZoneRules
    ) -> Int? {
        switch step.attribute {
        case .time:
            guard let found = PythonTime.read(line, start..<line.byteCount, zone) else { return nil }
            time = found.time
            return found.end
        case .level:
            var end = start
            while end < line.byteCount, line[end] &- 65 < 26 { end += 1 }
            return PythonLevel.isKnown(line, start..<end) ? end : nil
        case .number:
            var end = start
            while end < line.byteCount, line[end] &- 48 < 10, end - start < 20 { end += 1 }
            return end > start ? end : nil
        case .logger:
            let end = endOfText(step, line, from: start)
            return end.flatMap { line.firstIndex(of: 0x20, in: start..<$0) == nil && $0 > start ? $0 : nil }
        case .message:
            return step.literal.isEmpty ? line.byteCount : endOfText(step, line, from: start, isMessage: true)
        case .text, .ignored, .other: return endOfText(step, line, from: start)
        }
    }

    /// Where the literal behind a text begins.
    private func endOfText(
        _ step: PythonLogFormat.Step,
        _ line: RawSpan,
        from start: Int,
        isMessage: Bool = false
    ) -> Int? {
        let limit = isMessage ? line.byteCount : min(start + Self.maxTextBytes, line.byteCount)
        guard let first = step.isPadded ? 0x20 : step.literal.first else { return limit }
        var offset = start
        while let candidate = line.firstIndex(of: first, in: offset..<limit) {
            if step.isPadded || has(step.literal, line, at: candidate) {
                let isOneLine = line.firstIndex(of: 0x0A, in: start..<candidate) == nil
                return isOneLine || isMessage ? candidate : nil
            }
            offset = candidate + 1
        }
        return nil
    }
}

/// The levels of Python's logging.
enum PythonLevel {
    static func isKnown(_ line: RawSpan, _ range: Range<Int>) -> Bool {
        switch range.count {
        case 4: line.equals("INFO", range) || line.equals("WARN", range)
        case 5:
            line.equals("ERROR", range) || line.equals("DEBUG", range) || line.equals("FATAL", range)
                || line.equals("TRACE", range)
        case 6: line.equals("NOTSET", range) || line.equals("NOTICE", range)
        case 7: line.equals("WARNING", range) || line.equals("SUCCESS", range)
        case 8: line.equals("CRITICAL", range)
        default: false
        }
    }
}
