import Common

/// Writes an event as the JSON document that Elasticsearch stores: one line, objects nested, in valid UTF-8.
struct DocumentWriter {
    /// Appends the document, without a line end.
    ///
    /// - Parameters:
    ///   - payload: what came in, for values that are copied from there.
    ///   - line: the unescaped message, for values that are cut out of it.
    static func write(
        _ event: borrowing Event,
        payload: RawSpan,
        line: RawSpan,
        into output: inout ByteBuffer
    ) {
        let table = event.table
        let texts = table.text
        let text = texts.span.bytes
        let entries = table.entries
        let starts = table.starts
        let depths = table.depths
        let sharedDepths = table.sharedDepths
        let nodeCount = table.nodeCount
        output.reserve(payload.byteCount * 2 + 1024)
        output.append(UInt8(ascii: "{"))
        event.arena.withSpan { arena in
            var node = -1
            event.forEach { index, slot in
                let entry = entries[index]
                var shared = 0
                if node >= 0 {
                    shared = Int(sharedDepths[node * nodeCount + entry.node])
                    output.append(closing: depths[node] - shared)
                    output.append(UInt8(ascii: ","))
                }
                node = entry.node
                output.append(text, starts[entry.firstStart + shared]..<entry.end)
                if slot.kind == .members {
                    output.append(members: event.members, slot, payload, line)
                    return
                }
                switch slot.source {
                case .payload: output.append(slot, of: payload)
                case .line: output.append(slot, of: line)
                case .arena: output.append(slot, of: arena)
                }
            }
            if node >= 0 { output.append(closing: depths[node]) }
        }
        output.append(UInt8(ascii: "}"))
    }
}

extension ByteBuffer {
    @inline(__always)
    fileprivate mutating func append(closing count: Int) {
        for _ in 0..<count { append(UInt8(ascii: "}")) }
    }

    @inline(__always)
    fileprivate mutating func append(_ slot: Event.Slot, of bytes: RawSpan) {
        switch slot.kind {
        case .text:
            append(UInt8(ascii: "\""))
            append(jsonEscaped: bytes, slot.range)
            append(UInt8(ascii: "\""))
        case .json: append(bytes, slot.range)
        case .integer: append(decimal: Int64(slot.start))
        case .time:
            append(UInt8(ascii: "\""))
            append(iso8601: CalendarTime(nanoseconds: Int64(slot.start)))
            append(UInt8(ascii: "\""))
        case .members: break
        }
    }

    fileprivate mutating func append(
        members: [Event.Member],
        _ slot: Event.Slot,
        _ payload: RawSpan,
        _ line: RawSpan
    ) {
        var index = slot.start
        while index >= 0 {
            let member = members[index]
            if index != slot.start { append(UInt8(ascii: ",")) }
            append(UInt8(ascii: "\""))
            switch member.source {
            case .payload: append(payload, member.key, member.value)
            default: append(line, member.key, member.value)
            }
            index = member.next
        }
    }

    /// Appends the rest of a member whose opening quote stands there.
    @inline(__always)
    private mutating func append(_ bytes: RawSpan, _ key: Range<Int>, _ value: Range<Int>) {
        append(bytes, key)
        append("\":")
        append(bytes, value)
    }
}
