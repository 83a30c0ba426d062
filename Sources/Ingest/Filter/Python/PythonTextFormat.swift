import Common

/// Lines of Python programs: what their loggers write, the development servers' requests, and exceptions.
///
/// All of these come mixed in one file: gunicorn with `capture_output` has the application's own lines, and the servers of
/// Werkzeug and Django write requests, log records and announcements to the same stream. Colours of terminals are removed first.
final class PythonTextFormat: LineFormat {
    let needsZone = true
    private var scanners: [PythonLogScanner]
    /// For each scanner, the fields of its steps that ECS does not have.
    private let others: [[FieldID?]]
    private let server: ServerLine

    /// - Parameter formats: of loggers, the likeliest first.
    init(_ formats: [PythonLogFormat], event: inout Event) {
        let table = event.table
        scanners = formats.map(PythonLogScanner.init)
        others = formats.map { format in
            format.steps.map { step in
                if case .other(let name) = step.attribute { table.id(named: "labels.\(name)") } else { nil }
            }
        }
        server = ServerLine(event: &event)
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        guard line.firstIndex(of: 0x1B, in: 0..<line.byteCount) != nil else {
            guard let facts = apply(line, context, &event) else { throw Self.failure }
            return facts
        }
        copy.append(withoutColours: line)
        guard var facts = copy.withSpan({ apply($0, context, &event) }) else { throw Self.failure }
        facts.isCopied = true
        return facts
    }

    private static var failure: LineFailure {
        LineFailure(reason: "the line has none of the formats that this pipeline knows; set log_format")
    }

    /// - Returns: nil, and nothing is set, when no format fits.
    private func apply(_ line: RawSpan, _ context: LineContext, _ event: inout Event) -> LineFacts? {
        if let facts = server.apply(line, context.zone, &event) { return facts }
        for number in scanners.indices where scanners[number].cut(line, context.zone) {
            set(number, line, &event)
            var facts = LineFacts()
            facts.time = scanners[number].time
            return facts
        }
        if let announcement = PythonAnnouncement(line) {
            announcement.set(line, &event)
            return LineFacts()
        }
        // An exception that nobody logged.
        guard let traceback = Traceback(line, 0..<line.byteCount), traceback.stack.lowerBound == 0 else {
            return nil
        }
        LogLevel.set("error", &event)
        setMessage(0..<line.byteCount, line, &event)
        return LineFacts()
    }

    /// Sets the fields of a record.
    private func set(_ number: Int, _ line: RawSpan, _ event: inout Event) {
        let steps = scanners[number].format.steps
        for (index, step) in steps.enumerated() {
            let value = scanners[number].values[index]
            switch step.attribute {
            case .time, .ignored: continue
            case .level: LogLevel.set(value, line, &event)
            case .logger:
                event.set(.logLogger, text: value, in: .line)
            case .message: setMessage(value, line, &event)
            case .number(let field):
                if let number = Decimal.integer(line, value) { event.set(field, integer: number) }
            case .text(let field):
                if !value.isEmpty, !line.equals("-", value) { event.set(field, text: value, in: .line) }
            case .other:
                if let field = others[number][index] { event.set(field, text: value, in: .line) }
            }
        }
        if let message = event.slot(.message), message.kind == .text, message.source == .line,
            let logger = event.slot(.logLogger), line.equals("django.server", logger.range)
        {
            server.setRequest(message.range, line, &event)
        }
    }

    private func setMessage(_ range: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        PythonMessage.set(range, line, &event)
    }
}

/// The message of a log record, with the exception that may follow it.
enum PythonMessage {
    /// Sets `message`, without the traceback behind it, and `error.*`.
    static func set(_ range: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        guard let traceback = Traceback(line, range) else {
            event.set(.message, text: trimmed(range, line), in: .line)
            return
        }
        traceback.set(line, &event)
        let message = trimmed(range.lowerBound..<traceback.stack.lowerBound, line)
        // Without a message of its own, what was raised is the message.
        let last = traceback.type.map { $0.lowerBound..<traceback.stack.upperBound } ?? traceback.stack
        event.set(.message, text: message.isEmpty ? last : message, in: .line)
    }

    /// Without line ends behind it.
    private static func trimmed(_ range: Range<Int>, _ line: RawSpan) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
        return range.lowerBound..<end
    }
}

extension ByteBuffer {
    /// Appends text without the sequences that colour a terminal, such as `ESC[35m`.
    ///
    /// Source: ECMA-48, section 5.4.
    mutating func append(withoutColours line: RawSpan) {
        var start = 0
        while let escape = line.firstIndex(of: 0x1B, in: start..<line.byteCount) {
            append(line, start..<escape)
            var end = escape + 1
            if end < line.byteCount, line[end] == UInt8(ascii: "[") {
                end += 1
                while end < line.byteCount, line[end] &- 0x20 < 0x20 { end += 1 }
                if end < line.byteCount, line[end] &- 0x40 < 0x3F { end += 1 }
            } else {
                append(0x1B as UInt8)
            }
            start = end
        }
        append(line, start..<line.byteCount)
    }
}
