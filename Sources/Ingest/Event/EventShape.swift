import Common

/// How the last event was laid out: the next one of the same sender nearly always differs in three values only.
///
/// Most of a payload says who read the line, and where, again and again. Bytes that are the same at the same place have been
/// checked and looked up already; only the time, the message and the offset are read anew. A payload that differs
/// anywhere else is decoded as a whole (`EventDecoder`), with the same result.
struct EventShape: ~Copyable {
    /// Larger events are decoded each time.
    private static let maxBytes = 16 << 10
    private static let maxDigits = 18

    /// A value that differs from event to event, quotes included.
    private struct Value {
        let field: FieldID
        let range: Range<Int>
        let isText: Bool
    }

    /// A field that stays; its range lies behind so many of the values.
    private struct Constant {
        let field: FieldID
        let slot: Event.Slot
        let run: Int
    }

    private struct Member {
        let member: Event.Member
        let keyRun: Int
        let valueRun: Int
    }

    /// The last payload that was decoded as a whole.
    private var text = ByteBuffer(capacity: 2048)
    /// In the order of the text; empty when there is nothing to go by.
    private var values: [Value] = []
    private var constants: [Constant] = []
    private var members: [Member] = []
    private var requestedID: Range<Int>?
    /// Where the values of the payload at hand stand, and how far the bytes behind so many of them have moved.
    private var found: [Range<Int>] = []
    private var shifts: [Int] = [0]
    private var message = JSONReader.Text(range: 0..<0, hasEscapes: false)

    /// Takes note of an event that was decoded from `payload`, and that no step has changed yet.
    mutating func learn(_ payload: RawSpan, _ event: borrowing Event) {
        values.removeAll(keepingCapacity: true)
        guard payload.byteCount <= Self.maxBytes, let message = event.slot(.message),
            event.message?.quoted == message.range
        else { return }
        values.append(Value(field: event.table.id(.message), range: message.range, isText: true))
        if let time = event.slot(.timestamp), time.kind == .json, payload[time.start] == UInt8(ascii: "\"") {
            values.append(Value(field: event.table.id(.timestamp), range: time.range, isText: true))
        }
        if let offset = event.slot(.logOffset), offset.kind == .json,
            Self.endOfNumber(payload, from: offset.start) == offset.end
        {
            values.append(Value(field: event.table.id(.logOffset), range: offset.range, isText: false))
        }
        values.sort { $0.range.lowerBound < $1.range.lowerBound }
        text.removeAll()
        text.append(payload)
        found = Array(repeating: 0..<0, count: values.count)
        shifts = Array(repeating: 0, count: values.count + 1)
        learnConstants(event)
    }

    private mutating func learnConstants(_ event: borrowing Event) {
        constants.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        requestedID = event.requestedID
        var isKnown = true
        event.forEach { index, slot in
            let field = FieldID(index: index)
            guard !values.contains(where: { $0.field == field }) else { return }
            // Members are places in a list, not in the text.
            let run = slot.kind == .members ? 0 : run(of: slot.start)
            isKnown = isKnown && slot.source == .payload && (slot.kind == .json || slot.kind == .members)
            constants.append(Constant(field: field, slot: slot, run: run))
        }
        for member in event.members {
            isKnown = isKnown && member.source == .payload
            let (key, value) = (member.key.lowerBound, member.value.lowerBound)
            members.append(Member(member: member, keyRun: run(of: key), valueRun: run(of: value)))
        }
        if !isKnown { values.removeAll(keepingCapacity: true) }
    }

    /// How many values stand in front of an offset.
    private func run(of offset: Int) -> Int { values.count { $0.range.upperBound <= offset } }

    /// Fills `event`, which must be reset, if the payload is laid out as the one that was learned.
    ///
    /// - Returns: false when it is not; the event is then as it was.
    mutating func decode(_ payload: RawSpan, into event: inout Event) -> Bool {
        guard !values.isEmpty, locate(payload, messageField: event.table.id(.message)) else { return false }
        for constant in constants {
            var slot = constant.slot
            if slot.kind == .json {
                slot.start += shifts[constant.run]
                slot.end += shifts[constant.run]
            }
            event.set(constant.field, slot)
        }
        for index in values.indices { event.set(values[index].field, json: found[index], in: .payload) }
        for member in members {
            event.restore(member.member, key: shifts[member.keyRun], value: shifts[member.valueRun])
        }
        event.message = message
        if let requestedID {
            let shift = shifts[run(of: requestedID.lowerBound)]
            event.requestedID = requestedID.lowerBound + shift..<requestedID.upperBound + shift
        }
        return true
    }

    /// Finds the values of a payload, and compares all that stands between them.
    private mutating func locate(_ payload: RawSpan, messageField: FieldID) -> Bool {
        var (old, new) = (0, 0)
        for index in values.indices {
            let value = values[index]
            let length = value.range.lowerBound - old
            guard isSame(payload, new, as: old, length) else { return false }
            new += length
            guard let end = end(of: value, payload, from: new, isMessage: value.field == messageField) else {
                return false
            }
            found[index] = new..<end
            shifts[index + 1] = end - value.range.upperBound
            (old, new) = (value.range.upperBound, end)
        }
        let rest = text.count - old
        return payload.byteCount - new == rest && isSame(payload, new, as: old, rest)
    }

    private mutating func end(of value: Value, _ payload: RawSpan, from start: Int, isMessage: Bool) -> Int? {
        guard value.isText else { return Self.endOfNumber(payload, from: start) }
        var reader = JSONReader(offset: start)
        do throws(JSONError) {
            let text = try reader.string(payload)
            // Half a character has to be mended first.
            guard !reader.hasLoneSurrogate, reader.offset > start, text.quoted.lowerBound == start else {
                return nil
            }
            if isMessage { message = text }
            return reader.offset
        } catch {
            return nil
        }
    }

    /// The end of a whole number without sign; nil for anything else.
    private static func endOfNumber(_ bytes: RawSpan, from start: Int) -> Int? {
        var end = start
        while end < bytes.byteCount, bytes[end] &- 48 < 10 { end += 1 }
        let isNumber = end > start && end - start <= maxDigits && (end == start + 1 || bytes[start] != 48)
        return isNumber ? end : nil
    }

    private func isSame(_ payload: RawSpan, _ start: Int, as old: Int, _ length: Int) -> Bool {
        text.withSpan { payload.equals($0, old..<old + length, start..<start + length) }
    }
}
