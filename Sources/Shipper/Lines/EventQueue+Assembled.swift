import Common

extension EventQueue {
    /// Appends an event that rules made of its lines.
    ///
    /// - Parameters:
    ///   - offset: of its first line.
    ///   - opening: `{"@timestamp":"…","message":"`.
    mutating func append(
        _ event: AssembledEvent,
        rule: JSONRule?,
        opening: borrowing ByteBuffer,
        template: borrowing EventTemplate
    ) {
        if let object = event.object, let rule {
            appendObject(object, of: event, rule, opening: opening, template: template)
            guard isEventTooLarge else {
                endEvent { _ in }
                return
            }
            cancelEvent()
            event.problem = ("json", "The object is too large to be sent")
        }
        appendText(event, opening: opening, template: template)
    }

    private mutating func appendText(
        _ event: AssembledEvent,
        opening: borrowing ByteBuffer,
        template: borrowing EventTemplate
    ) {
        var flags = event.flags
        beginEvent { buffer in
            if let time = event.time {
                buffer.append(#"{"@timestamp":""# as StaticString)
                buffer.append(iso8601: time)
                buffer.append(#"","message":""# as StaticString)
            } else {
                buffer.append(opening)
            }
        }
        // Escapes make up to six bytes of one.
        event.text.withSpan { text in
            var start = 0
            while start < text.byteCount {
                let end = min(start + Self.pieceBytes, text.byteCount)
                let piece = end < text.byteCount ? text.trimmedToWholeScalars(start..<end) : start..<end
                guard !piece.isEmpty, appendPiece(text, piece) else {
                    flags.insert(.truncated)
                    break
                }
                start = piece.upperBound
            }
        }
        endEvent { buffer in
            buffer.append(UInt8(ascii: "\""))
            if let stream = event.stream {
                buffer.append(#","stream":""# as StaticString)
                buffer.append(stream.name)
                buffer.append(UInt8(ascii: "\""))
            }
            if let problem = event.problem {
                buffer.append(#","error":{"type":""# as StaticString)
                buffer.append(problem.type)
                buffer.append(#"","message":"# as StaticString)
                buffer.append(jsonString: problem.message)
                buffer.append(UInt8(ascii: "}"))
            }
            buffer.append(#","log":{"# as StaticString)
            buffer.append(flags)
            buffer.append(#""offset":"# as StaticString)
            buffer.append(decimal: event.start)
            buffer.append(template.ending)
        }
    }

    /// Begins an event; the caller ends it.
    private mutating func appendObject(
        _ object: JSONObject,
        of event: AssembledEvent,
        _ rule: JSONRule,
        opening: borrowing ByteBuffer,
        template: borrowing EventTemplate
    ) {
        var object = object
        var members = template.members
        if !rule.messageKey.isEmpty, !event.text.isEmpty {
            let message = event.text.withSpan { JSONObject.Value.string($0) }
            members.set("message", message)
            object.set(Array(rule.messageKey.utf8), message)
        }
        if let stream = event.stream { members.set("stream", .text(Array("\"\(stream.name)\"".utf8))) }
        var time = ByteBuffer(capacity: 40)
        time.append(UInt8(ascii: "\""))
        if let moment = event.time { time.append(iso8601: moment) } else { time.append(timestampOf: opening) }
        time.append(UInt8(ascii: "\""))
        members.set("@timestamp", .text(time.array))
        let complaint = rule.apply(object, to: &members)
        if rule.addsErrorKey, let complaint {
            var error = JSONObject()
            error.set("type", .text(Array("\"json\"".utf8)))
            error.set(
                "message",
                complaint.utf8.withContiguousStorageIfAvailable { .string($0.span.bytes) } ?? .text([])
            )
            members.set("error", .object(error))
        }
        if case .object(var log)? = members["log"] {
            log.set("offset", .text(Array("\(event.start)".utf8)))
            if let flags = event.flags.json { log.set("flags", .text(flags)) }
            members.set("log", .object(log))
        }
        beginEvent { buffer in members.append(to: &buffer) }
    }

    /// Text that is escaped at once.
    private static let pieceBytes = 64 << 10
}

extension AssembledEvent {
    fileprivate var flags: LogFlags {
        var flags: LogFlags = []
        if lines > 1 { flags.insert(.multiline) }
        if isTruncated { flags.insert(.truncated) }
        if isPartial { flags.insert(.partial) }
        return flags
    }
}

extension ByteBuffer {
    /// The time in `{"@timestamp":"…","message":"`.
    fileprivate mutating func append(timestampOf opening: borrowing ByteBuffer) {
        let start = #"{"@timestamp":""#.utf8.count
        opening.withSpan { bytes in
            let end = bytes.firstIndex(of: UInt8(ascii: "\""), in: start..<bytes.byteCount) ?? start
            append(bytes, start..<end)
        }
    }
}
