import Common

/// Lines that are JSON objects, whose members join the document: ecs-logging, python-json-logger, structlog, and others.
///
/// Members keep their names and places, dotted names included; those that everybody calls otherwise than ECS get their
/// name there (`levelname`, `asctime`). What a line says wins over what its sender says, but for where the line was read.
final class JSONLineFormat: LineFormat {
    let needsZone = true
    private var json: JSONLine
    private let isPython: Bool
    private var scratch = ByteBuffer()

    init(isPython: Bool, event: inout Event) {
        self.isPython = isPython
        let keys = Self.names.enumerated().filter { isPython || !$0.element.isPythons }
        json = JSONLine(
            LineMembers(table: event.table, keys: keys.map { ($0.element.name, $0.offset) }),
            mends: false
        )
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        guard try json.read(line, of: payload, copy: &copy, into: &event) else {
            return apply(line, payload, context, &event)
        }
        var facts = copy.withSpan { apply($0, payload, context, &event) }
        facts.isCopied = true
        return facts
    }

    private func apply(
        _ text: RawSpan,
        _ payload: RawSpan,
        _ context: LineContext,
        _ event: inout Event
    ) -> LineFacts {
        var facts = LineFacts()
        takeTimestamp(text, context, &event, &facts)
        let hasMessage = event.has(.message)
        if let slot = event.slot(.logLevel), slot.source == .line, slot.range.count > 2,
            text[slot.start] == UInt8(ascii: "\"")
        {
            LogLevel.set(slot.start + 1..<slot.end - 1, text, &event)
        }
        json.forEach { member, value in
            let name = Self.names[member.key]
            guard take(name.meaning, member, value, text, context, hasMessage, &facts, &event) else {
                event.keep(
                    member.name,
                    value: member.value,
                    in: FieldTable.root,
                    line: text,
                    payload: payload
                )
                return
            }
        }
        group(text, &event)
        return facts
    }

    /// Takes the time of a member `@timestamp`, which now stands where the time of reading was.
    private func takeTimestamp(
        _ text: RawSpan,
        _ context: LineContext,
        _ event: inout Event,
        _ facts: inout LineFacts
    ) {
        guard let slot = event.slot(.timestamp), slot.source == .line, slot.range.count > 2 else { return }
        let isString = text[slot.start] == UInt8(ascii: "\"")
        let range = isString ? slot.start + 1..<slot.end - 1 : slot.range
        facts.time = JSONTime.time(text, range, context.zone)
        if facts.time == nil { facts.badTime = range }
    }

    /// Sets what a member means; false when its value is none of that meaning.
    private func take(
        _ meaning: Meaning,
        _ member: LineMembers.Captured,
        _ value: Range<Int>,
        _ text: RawSpan,
        _ context: LineContext,
        _ hasMessage: Bool,
        _ facts: inout LineFacts,
        _ event: inout Event
    ) -> Bool {
        let isString = member.kind == .string
        switch meaning {
        case .time:
            guard isString || member.kind == .number, let time = JSONTime.time(text, value, context.zone)
            else { return false }
            if facts.time == nil {
                facts.time = time
                facts.badTime = nil
            }
        case .level:
            guard isString else { return false }
            LogLevel.set(value, text, &event)
        case .message:
            guard isString, !hasMessage else { return false }
            event.set(.message, json: member.value, in: .line)
        case .text(let field):
            guard isString, !event.has(field) else { return member.kind == .null }
            event.set(field, json: member.value, in: .line)
        case .number(let field):
            guard member.kind == .number, !event.has(field) else { return member.kind == .null }
            event.set(field, json: member.value, in: .line)
        case .exception:
            guard isString else { return member.kind == .null }
            guard !value.isEmpty else { return true }
            if let traceback = Traceback(text, value) { traceback.set(text, &event) }
            event.set(.errorStackTrace, json: member.value, in: .line)
        }
        return true
    }

    /// Sets the grouping key of an exception that stands in ECS fields.
    private func group(_ text: RawSpan, _ event: inout Event) {
        guard !event.has(.errorGroupingKey), let stack = event.slot(.errorStackTrace), stack.source == .line,
            stack.range.count > 2, text[stack.start] == UInt8(ascii: "\"")
        else { return }
        scratch.removeAll()
        var type = 0..<0
        if let slot = event.slot(.errorType), slot.source == .line, slot.kind == .json, slot.range.count > 2 {
            scratch.append(unescaped: .init(range: slot.start + 1..<slot.end - 1, hasEscapes: true), of: text)
            type = 0..<scratch.count
        }
        let start = scratch.count
        scratch.append(UInt8(ascii: "\n"))
        scratch.append(unescaped: .init(range: stack.start + 1..<stack.end - 1, hasEscapes: true), of: text)
        let key = scratch.withSpan {
            Traceback.groupingKey(of: type, in: $0, frames: start + 1..<$0.byteCount)
        }
        scratch.shrink(to: 64 << 10)
        Traceback.setGroupingKey(key, &event)
    }

    // MARK: - Names

    /// What a member is.
    private enum Meaning {
        case time, level, message, exception
        case text(ECSField)
        case number(ECSField)
    }

    /// Names of python-json-logger and structlog, and what others call the same.
    private static let names: [(name: String, meaning: Meaning, isPythons: Bool)] = [
        ("timestamp", .time, false), ("time", .time, false), ("ts", .time, false),
        ("datetime", .time, false), ("level", .level, false), ("severity", .level, false),
        ("msg", .message, false), ("logger", .text(.logLogger), false),
        ("asctime", .time, true), ("created", .time, true), ("levelname", .level, true),
        ("event", .message, true), ("name", .text(.logLogger), true),
        ("process", .number(.processPID), true), ("processName", .text(.processName), true),
        ("thread", .number(.processThreadID), true), ("threadName", .text(.processThreadName), true),
        ("thread_name", .text(.processThreadName), true), ("filename", .text(.logOriginFileName), true),
        ("lineno", .number(.logOriginFileLine), true), ("funcName", .text(.logOriginFunction), true),
        ("func_name", .text(.logOriginFunction), true), ("exc_info", .exception, true),
        ("exc_text", .exception, true), ("exception", .exception, true),
    ]
}
