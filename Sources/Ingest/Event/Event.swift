import Common

/// One log record between the wire and the document: fields by number, and ranges instead of values.
///
/// A value is a range into one of three runs of bytes: the payload (the JSON that came in), the line (its `message`,
/// unescaped) or the arena (what filters derived). The first two are arguments of whoever reads them. One worker owns
/// one event and uses it again and again; nothing is allocated per event once the arena has grown.
struct Event: ~Copyable {
    /// Which bytes a range points into.
    enum Source: UInt8 { case payload, line, arena }

    /// How a value becomes JSON.
    enum Kind: UInt8 {
        /// Bytes to be quoted and escaped.
        case text
        /// JSON already.
        case json
        /// `start` is the number.
        case integer
        /// `start` is nanoseconds since 1970.
        case time
        /// `start` and `end` are the first and the last of a chain in `members`.
        case members
    }

    struct Slot {
        var kind: Kind
        var source: Source
        var start: Int
        var end: Int
        var range: Range<Int> { start..<end }
    }

    /// A member that is copied, key (without quotes) and value being ranges of the payload or of the line.
    struct Member {
        let source: Source
        let key: Range<Int>
        let value: Range<Int>
        fileprivate(set) var next: Int
    }

    let table: FieldTable
    /// Derived bytes, behind the constants.
    var arena: ByteBuffer
    /// The value of `message` in the payload, if it is a string.
    var message: JSONReader.Text?
    /// The value of `@metadata._id` in the payload.
    var requestedID: Range<Int>?

    private(set) var members: [Member] = []
    // Pointers with one owner rather than arrays: fields are set some forty times an event, and each time an array would
    // check that nobody shares it. Indices come from `table` alone.
    private let slots: UnsafeMutablePointer<Slot>
    private let present: UnsafeMutablePointer<UInt64>
    private let wordCount: Int
    private var constantsEnd = 0

    init(table: FieldTable) {
        self.table = table
        arena = ByteBuffer(capacity: 4096)
        let count = table.entries.count
        slots = .allocate(capacity: count)
        slots.initialize(repeating: Slot(kind: .integer, source: .arena, start: 0, end: 0), count: count)
        wordCount = (count + 63) / 64
        present = .allocate(capacity: wordCount)
        present.initialize(repeating: 0, count: wordCount)
        members.reserveCapacity(64)
    }

    deinit {
        slots.deallocate()
        present.deallocate()
    }

    /// Forgets all values, keeps memory and constants.
    mutating func reset() {
        present.update(repeating: 0, count: wordCount)
        members.removeAll(keepingCapacity: true)
        arena.truncate(to: constantsEnd)
        message = nil
        requestedID = nil
    }

    /// Gives back what one huge event made the arena grow to.
    mutating func shrink(to limit: Int) { arena.shrink(to: limit) }

    // MARK: - Reading

    @inline(__always)
    func has(_ field: FieldID) -> Bool {
        present[field.index >> 6] & (1 << UInt64(field.index & 63)) != 0
    }

    func has(_ field: ECSField) -> Bool { has(table.id(field)) }

    /// The value of a field; nil when the event does not have it.
    func slot(_ field: ECSField) -> Slot? {
        let id = table.id(field)
        return has(id) ? slots[id.index] : nil
    }

    /// The value of a field; nil when the event does not have it.
    func slot(_ field: FieldID) -> Slot? { has(field) ? slots[field.index] : nil }

    /// Calls `body` with every field there is, in the order of writing.
    @inline(__always)
    func forEach(_ body: (Int, Slot) -> Void) {
        for word in 0..<wordCount {
            var bits = present[word]
            while bits != 0 {
                let index = word << 6 + bits.trailingZeroBitCount
                bits &= bits - 1
                body(index, slots[index])
            }
        }
    }

    // MARK: - Writing

    @inline(__always)
    mutating func set(_ field: FieldID, _ slot: Slot) {
        slots[field.index] = slot
        present[field.index >> 6] |= 1 << UInt64(field.index & 63)
    }

    /// Sets text that still has to be escaped.
    @inline(__always)
    mutating func set(_ field: FieldID, text range: Range<Int>, in source: Source) {
        set(field, Slot(kind: .text, source: source, start: range.lowerBound, end: range.upperBound))
    }

    @inline(__always)
    mutating func set(_ field: ECSField, text range: Range<Int>, in source: Source) {
        set(table.id(field), text: range, in: source)
    }

    /// Sets JSON that is known to be valid.
    @inline(__always)
    mutating func set(_ field: FieldID, json range: Range<Int>, in source: Source) {
        set(field, Slot(kind: .json, source: source, start: range.lowerBound, end: range.upperBound))
    }

    @inline(__always)
    mutating func set(_ field: ECSField, json range: Range<Int>, in source: Source) {
        set(table.id(field), json: range, in: source)
    }

    @inline(__always)
    mutating func set(_ field: FieldID, integer value: Int64) {
        set(field, Slot(kind: .integer, source: .arena, start: Int(value), end: 0))
    }

    @inline(__always)
    mutating func set(_ field: ECSField, integer value: Int64) { set(table.id(field), integer: value) }

    mutating func set(_ field: ECSField, time: CalendarTime) {
        set(table.id(field), Slot(kind: .time, source: .arena, start: Int(time.nanoseconds), end: 0))
    }

    mutating func remove(_ field: ECSField) {
        let id = table.id(field)
        present[id.index >> 6] &= ~(1 << UInt64(id.index & 63))
    }

    /// Gives the value of one field to another; nothing happens when there is none.
    mutating func move(_ field: ECSField, to other: ECSField) {
        guard let slot = slot(field) else { return }
        set(table.id(other), slot)
        remove(field)
    }

    /// Removes everything in an object, and sets its members as JSON text (`"a":1,"b":{}`) that stands in the arena.
    mutating func replace(_ node: Int, members range: Range<Int>) {
        for index in table.fields[node] where has(FieldID(index: index)) {
            present[index >> 6] &= ~(1 << UInt64(index & 63))
        }
        set(table.rests[node], json: range, in: .arena)
    }

    /// Keeps a member of the incoming event as it is; of two with the same key, the last.
    mutating func keep(_ key: Range<Int>, value: Range<Int>, in node: Int, payload: RawSpan) {
        keep(Member(source: .payload, key: key, value: value, next: -1), in: node, payload, payload)
    }

    /// Keeps a member of a line that is JSON, in place of one of the incoming event with the same key.
    mutating func keep(
        _ key: Range<Int>,
        value: Range<Int>,
        in node: Int,
        line: RawSpan,
        payload: RawSpan
    ) {
        keep(Member(source: .line, key: key, value: value, next: -1), in: node, line, payload)
    }

    /// - Parameter text: what `member` points into.
    private mutating func keep(_ member: Member, in node: Int, _ text: RawSpan, _ payload: RawSpan) {
        let rest = table.rests[node]
        let new = members.count
        guard has(rest) else {
            members.append(member)
            set(rest, Slot(kind: .members, source: .payload, start: new, end: new))
            return
        }
        var index = slots[rest.index].start
        while index >= 0 {
            let known = members[index]
            let isSame =
                known.source == .payload
                ? payload.equals(text, member.key, known.key)
                : text.equals(text, member.key, known.key)
            if isSame {
                members[index] = member
                members[index].next = known.next
                return
            }
            index = known.next
        }
        members.append(member)
        members[slots[rest.index].end].next = new
        slots[rest.index].end = new
    }

    /// Puts back a member of an event that was laid out alike, with its place among the members.
    mutating func restore(_ member: Member, key: Int, value: Int) {
        members.append(
            Member(
                source: member.source,
                key: member.key.lowerBound + key..<member.key.upperBound + key,
                value: member.value.lowerBound + value..<member.value.upperBound + value,
                next: member.next
            )
        )
    }

    /// Makes JSON known that many events share, so that it is copied to the arena only once.
    ///
    /// Call it before the first event.
    mutating func addConstant(_ json: String) -> Range<Int> {
        arena.truncate(to: constantsEnd)
        arena.append(json)
        defer { constantsEnd = arena.count }
        return constantsEnd..<arena.count
    }

    /// Adds text to a field that may hold one value or a list already.
    ///
    /// - Parameter payload: the incoming event, from which the list may come.
    mutating func append(_ text: String, to field: ECSField, payload: RawSpan) {
        let start = beginList(table.id(field), payload)
        arena.append(jsonString: text)
        arena.append(UInt8(ascii: "]"))
        set(field, json: start..<arena.count, in: .arena)
    }

    /// Adds a JSON value of a line, or the elements of a list, to a field; a single value without others stays single.
    mutating func append(_ value: Range<Int>, of line: RawSpan, to field: FieldID, payload: RawSpan) {
        guard has(field) else {
            let start = arena.count
            arena.append(line, value)
            set(field, json: start..<arena.count, in: .arena)
            return
        }
        let start = beginList(field, payload)
        arena.append(line, line.listElements(value))
        // Of an empty list nothing came.
        if arena[arena.count - 1] == UInt8(ascii: ",") { arena.truncate(to: arena.count - 1) }
        arena.append(UInt8(ascii: "]"))
        set(field, json: start..<arena.count, in: .arena)
    }

    /// Begins a list in the arena with the elements that a field has, ready for another; answers where it begins.
    private mutating func beginList(_ field: FieldID, _ payload: RawSpan) -> Int {
        let start = arena.count
        arena.append(UInt8(ascii: "["))
        guard let slot = slot(field), slot.kind == .json else { return start }
        appendElements(of: slot, payload)
        if arena.count > start + 1 { arena.append(UInt8(ascii: ",")) }
        return start
    }

    /// Copies the inside of a JSON list, or a single value, to the end of the arena.
    private mutating func appendElements(of slot: Slot, _ payload: RawSpan) {
        if slot.source == .payload {
            arena.append(payload, payload.listElements(slot.range))
            return
        }
        let elements = arena.withSpan { $0.listElements(slot.range) }
        arena.appendCopy(of: elements)
    }
}

extension RawSpan {
    /// The inside of a JSON list without surrounding blanks; the value itself when it is no list.
    fileprivate func listElements(_ range: Range<Int>) -> Range<Int> {
        guard range.count >= 2, self[range.lowerBound] == UInt8(ascii: "[") else { return range }
        var start = range.lowerBound + 1
        var end = range.upperBound - 1
        while start < end, self[start] <= 0x20 { start += 1 }
        while end > start, self[end - 1] <= 0x20 { end -= 1 }
        return start..<end
    }
}
