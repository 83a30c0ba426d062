import Common

/// Finds the text of one field, wherever an event has it: among the known fields, in what came in and no
/// pipeline knows, or in what a look-up added.
struct EventFieldReader {
    private enum Place {
        case field(FieldID)
        /// Below the members of an object that have no number.
        case rest(FieldID, path: [String])
    }

    private let place: Place

    init(_ path: FieldPath, in table: FieldTable) {
        var node = FieldTable.root
        for (number, key) in path.keys.enumerated() {
            switch table.child(of: node, key: key.span.bytes, 0..<key.count) {
            case .node(let inner)?: node = inner
            case .field(let id)? where number == path.keys.count - 1:
                place = .field(id)
                return
            case .field?, nil:
                let rest = path.keys[number...].map { String(decoding: $0, as: UTF8.self) }
                place = .rest(table.rests[node], path: rest)
                return
            }
        }
        place = .rest(table.rests[node], path: [])
    }

    /// Appends the value as text; nothing when the event does not have it, or it is an object or a list.
    ///
    /// - Parameters:
    ///   - payload: what came in.
    ///   - line: what ranges of `Event.Source.line` point into.
    func append(from event: borrowing Event, payload: RawSpan, line: RawSpan, to output: inout ByteBuffer) {
        switch place {
        case .field(let id):
            guard let slot = event.slot(id) else { return }
            event.arena.withSpan { arena in
                let bytes = slot.source == .payload ? payload : slot.source == .line ? line : arena
                Self.append(slot, bytes, to: &output)
            }
        case .rest(let id, let path):
            guard let slot = event.slot(id), !path.isEmpty else { return }
            switch slot.kind {
            case .members: append(below: path, membersOf: event, slot, payload, to: &output)
            case .json: event.arena.withSpan { append(below: path, membersIn: $0, slot.range, to: &output) }
            case .text, .integer, .time: break
            }
        }
    }

    private func append(
        below path: [String],
        membersOf event: borrowing Event,
        _ slot: Event.Slot,
        _ payload: RawSpan,
        to output: inout ByteBuffer
    ) {
        var index = slot.start
        while index >= 0 {
            let member = event.members[index]
            if payload.text(member.key) == path[0] {
                let value = payload.extracting(member.value)
                if let range = JSONLookup.range(value, Array(path.dropFirst())) {
                    Self.append(json: value, range, to: &output)
                }
                return
            }
            index = member.next
        }
    }

    /// Looks below members that a look-up gave as text: `"a":1,"b":{}`.
    private func append(
        below path: [String],
        membersIn bytes: RawSpan,
        _ range: Range<Int>,
        to output: inout ByteBuffer
    ) {
        var object = ByteBuffer(capacity: range.count + 2)
        object.append(UInt8(ascii: "{"))
        object.append(bytes, range)
        object.append(UInt8(ascii: "}"))
        object.withSpan { object in
            if let range = JSONLookup.range(object, path) { Self.append(json: object, range, to: &output) }
        }
    }

    private static func append(_ slot: Event.Slot, _ bytes: RawSpan, to output: inout ByteBuffer) {
        switch slot.kind {
        case .text: output.append(bytes, slot.range)
        case .json: append(json: bytes, slot.range, to: &output)
        case .integer: output.append(decimal: Int64(slot.start))
        case .time: output.append(iso8601: CalendarTime(nanoseconds: Int64(slot.start)))
        case .members: break
        }
    }

    /// A text without its quotes and escapes, a number or a boolean as it is written.
    private static func append(json bytes: RawSpan, _ range: Range<Int>, to output: inout ByteBuffer) {
        guard let first = range.first else { return }
        switch bytes[first] {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"): return
        case UInt8(ascii: "\""):
            var reader = JSONReader(offset: first)
            if let text = try? reader.string(bytes) { output.append(unescaped: text, of: bytes) }
        default: output.append(bytes, range)
        }
    }
}
