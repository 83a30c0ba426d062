import Common

/// A document that filters work on: a tree of fields with names that nobody has to know beforehand.
///
/// `Event` is what the ready formats write to, with its fields numbered at start; this is what filters from the
/// configuration read and change, between its document and the bulk request. One worker owns one record and uses it
/// again and again: nodes and bytes keep their memory.
///
/// Texts lie in one arena. A filter that reads a text and writes fields copies the text first
/// (`copyText(of:into:)`): writing may move the arena.
final class Record {
    enum Kind: UInt8 {
        case object, list
        /// UTF-8 without quotes and escapes.
        case text
        /// As JSON writes it.
        case number
        case yes, no, null

        var isContainer: Bool { self == .object || self == .list }
    }

    /// A place in the tree; valid until the field is set again or removed, or the record is loaded again.
    struct Node: Equatable {
        fileprivate let index: Int32
    }

    private struct Cell {
        var kind = Kind.object
        /// Key in the arena; empty in lists.
        var keyStart = 0
        var keyEnd = 0
        /// Value in the arena.
        var start = 0
        var end = 0
        /// Members or elements; -1 for none.
        var first: Int32 = -1
        var last: Int32 = -1
        var next: Int32 = -1
    }

    /// Values that one event may have: no log line comes near, and a million of them would take a hundred megabytes.
    static let maxValues = 100_000
    /// Bytes that filters may write to one event: each step may write the whole line again, and lines have megabytes.
    static let maxWrittenBytes = 64 << 20
    /// Memory that one huge event may leave behind.
    private static let keptBytes = 256 << 10
    private static let keptCells = 4096

    static let root = Node(index: 0)

    private var cells: [Cell] = [Cell()]
    private var arena = ByteBuffer(capacity: 4096)
    /// What `load` wrote.
    private var loadedBytes = 0

    /// Forgets everything.
    func reset() {
        if cells.capacity > Self.keptCells * 2 { cells = [] }
        cells.removeAll(keepingCapacity: true)
        cells.append(Cell())
        arena.removeAll()
        arena.shrink(to: Self.keptBytes)
        loadedBytes = 0
    }

    /// A record of its own with the same fields.
    func copy() -> Record {
        let other = Record()
        other.cells = cells
        other.loadedBytes = loadedBytes
        arena.withSpan { other.arena.append($0) }
        return other
    }

    /// A record of its own with the same fields, with null in place of `node`, in no more memory than they need.
    func copy(without node: Node) -> Record {
        let other = Record()
        other.take(Self.root, of: self, at: Self.root, without: node)
        other.loadedBytes = other.arena.count
        return other
    }

    /// Bytes of keys and texts, those that were replaced included.
    var byteCount: Int { arena.count }

    // MARK: - Reading

    /// The field at `path`; nil when it is not there.
    func find(_ path: FieldPath) -> Node? {
        var node = Self.root
        for (key, index) in zip(path.keys, path.indices) {
            guard let next = child(of: node, key, index) else { return nil }
            node = next
        }
        return node
    }

    func kind(of node: Node) -> Kind { self[node].kind }

    /// Whether there is nothing: null, or a list or an object without elements.
    func isEmpty(_ node: Node) -> Bool {
        let cell = self[node]
        return cell.kind == .null || (cell.kind.isContainer && cell.first < 0)
    }

    /// Calls `body` with each member's key, or with each element and an empty key, until it answers false.
    func forEach(in node: Node, _ body: (_ key: Range<Int>, _ value: Node) -> Bool) {
        var index = self[node].first
        while index >= 0 {
            let cell = cells[Int(index)]
            guard body(cell.keyStart..<cell.keyEnd, Node(index: index)) else { return }
            index = cell.next
        }
    }

    /// The members or elements of `node`, in order.
    func children(of node: Node) -> [Node] {
        var nodes: [Node] = []
        forEach(in: node) { _, child in
            nodes.append(child)
            return true
        }
        return nodes
    }

    /// Calls `body` with the text of a value: of a text its bytes, of a number or a truth its JSON; nil for the others.
    ///
    /// `body` must not write to the record.
    func withText<R>(of node: Node, _ body: (RawSpan, Range<Int>) -> R) -> R? {
        let cell = self[node]
        guard cell.kind == .text || cell.kind == .number || cell.kind == .yes || cell.kind == .no else {
            return nil
        }
        return arena.withSpan { body($0, cell.start..<cell.end) }
    }

    /// Appends the text of a value to `output`; a list or an object as JSON, null as nothing.
    func appendText(of node: Node, to output: inout ByteBuffer) {
        let cell = self[node]
        switch cell.kind {
        case .text, .number, .yes, .no:
            arena.withSpan { output.append($0, cell.start..<cell.end) }
        case .object, .list: write(node, into: &output)
        case .null: break
        }
    }

    /// Appends a value as JSON.
    func appendJSON(of node: Node, to output: inout ByteBuffer) { write(node, into: &output) }

    /// Fills `output` with the text of a value, and gives memory back that one huge text took.
    ///
    /// - Returns: false for null, lists and objects, which have no text.
    func copyText(of node: Node, into output: inout ByteBuffer) -> Bool {
        output.removeAll()
        output.shrink(to: Self.keptBytes)
        let kind = self[node].kind
        guard !kind.isContainer, kind != .null else { return false }
        appendText(of: node, to: &output)
        return true
    }

    /// The key of a member.
    func key(of node: Node) -> String {
        let cell = self[node]
        return arena.withSpan { $0.text(cell.keyStart..<cell.keyEnd) }
    }

    /// The text of a value as a String; not for hot paths.
    func string(_ node: Node) -> String {
        var text = ByteBuffer()
        appendText(of: node, to: &text)
        return text.withSpan { $0.text(0..<$0.byteCount) }
    }

    // MARK: - Writing

    func set(_ path: FieldPath, text bytes: RawSpan, _ range: Range<Int>) throws(FilterFailure) {
        let node = try place(path)
        write(node, .text) { $0.append(bytes, range) }
    }

    func set(_ path: FieldPath, text: String) throws(FilterFailure) {
        let node = try place(path)
        write(node, .text) { $0.append(text) }
    }

    func set(_ path: FieldPath, integer value: Int64) throws(FilterFailure) {
        let node = try place(path)
        write(node, .number) { $0.append(decimal: value) }
    }

    /// Sets a number; one that JSON cannot write (infinite, not a number) becomes null.
    func set(_ path: FieldPath, double value: Double) throws(FilterFailure) {
        let node = try place(path)
        guard value.isFinite else {
            write(node, .null) { _ in }
            return
        }
        write(node, .number) { $0.append(number: value) }
    }

    func set(_ path: FieldPath, bool value: Bool) throws(FilterFailure) {
        let node = try place(path)
        write(node, value ? .yes : .no) { $0.append(value ? "true" : "false" as StaticString) }
    }

    func set(_ path: FieldPath, time: CalendarTime) throws(FilterFailure) {
        let node = try place(path)
        write(node, .text) { $0.append(iso8601: time) }
    }

    /// Sets an empty object or list, to be filled.
    func set(_ path: FieldPath, container kind: Kind) throws(FilterFailure) {
        let node = try place(path)
        write(node, kind) { _ in }
    }

    /// Sets the value of JSON text.
    func set(_ path: FieldPath, json: RawSpan, _ range: Range<Int>) throws(FilterFailure) {
        let text = json.extracting(range)
        // Read beside the tree first: text that is no JSON leaves the field as it was.
        let value = newCell(.null)
        do throws(JSONError) {
            var reader = JSONReader()
            try read(&reader, text, into: value, depth: 0)
            try reader.end(text)
        } catch {
            throw FilterFailure(.json, "\(path.text): \(error)")
        }
        give(value, to: try place(path))
    }

    /// Sets what another field holds, members and all.
    func set(_ path: FieldPath, copyOf source: Node) throws(FilterFailure) {
        try admit(valueCount(of: source), for: path)
        // The source is copied first: it may lie below what the path replaces.
        let copy = newCell(self[source].kind)
        copyValue(of: source, to: copy)
        give(copy, to: try place(path))
    }

    /// Refuses what would make the event too large; for filters that write to many places or by `replace`.
    func admit(bytes: Int, values: Int = 1) throws(FilterFailure) {
        guard cells.count + values <= Self.maxValues,
            arena.count - loadedBytes + bytes <= Self.maxWrittenBytes
        else { throw FilterFailure(.field, "the event would become too large") }
    }

    /// Gives a field another name, with all below it; one that is not there leaves all as it is.
    ///
    /// - Throws: when there is no place for the new name; the field then keeps its own.
    func move(_ path: FieldPath, to target: FieldPath) throws(FilterFailure) {
        guard path != target, let node = find(path) else { return }
        try admit(target.keys.count + 1, for: target)
        if target.isBelow(path) {
            // `a` becomes `a.b`.
            let value = newCell(.null)
            give(node, to: value)
            write(node, .object) { _ in }
            give(value, to: try place(target))
        } else {
            give(node, to: try place(target))
            if !path.isBelow(target) { remove(path) }
        }
    }

    /// Takes all fields of another record: objects are joined member by member, other values replace what is there.
    func merge(_ other: Record) throws(FilterFailure) {
        guard cells.count + other.cells.count <= Self.maxValues,
            arena.count + other.arena.count - loadedBytes <= Self.maxWrittenBytes
        else { throw FilterFailure(.field, "fields cannot be added: the event is too large") }
        join(Self.root, of: other, to: Self.root)
    }

    /// Puts a value of another record in place of a value.
    func replace(_ node: Node, copyOf source: Node, of other: Record) { take(source, of: other, at: node) }

    /// Adds a value to the list at `path`; one that is no list yet becomes its first element.
    func append(_ path: FieldPath, text bytes: RawSpan, _ range: Range<Int>) throws(FilterFailure) {
        let element = try element(path)
        write(element, .text) { $0.append(bytes, range) }
    }

    func append(_ path: FieldPath, text: String) throws(FilterFailure) {
        let element = try element(path)
        write(element, .text) { $0.append(text) }
    }

    /// The field at `path`, made where it is missing, or a new element of the list there; for `replace` to fill.
    func slot(_ path: FieldPath, appending: Bool = false) throws(FilterFailure) -> Node {
        appending ? try element(path) : try place(path)
    }

    /// The member of an object by its key; nil when there is none.
    func member(of object: Node, _ key: RawSpan, _ range: Range<Int>) -> Node? {
        var found: Node?
        forEach(in: object) { own, value in
            if own.count == range.count, arena.withSpan({ $0.equals(key, range, own) }) { found = value }
            return found == nil
        }
        return found
    }

    /// Adds a member to an object, which has none of that key.
    func addMember(to object: Node, _ key: RawSpan, _ range: Range<Int>) throws(FilterFailure) -> Node {
        guard cells.count < Self.maxValues else {
            throw FilterFailure(.field, "the event has \(Self.maxValues) values; no field can be added")
        }
        return newMember(of: object) { $0.append(key, range) }
    }

    /// Adds an element to a list; a value that is no list becomes its first element.
    func addElement(to node: Node) throws(FilterFailure) -> Node {
        guard cells.count < Self.maxValues else {
            throw FilterFailure(.field, "the event has \(Self.maxValues) values; no element can be added")
        }
        return newElement(behind: node)
    }

    /// Makes a value an empty object.
    func makeObject(_ node: Node) { write(node, .object) { _ in } }

    func replace(_ node: Node, integer value: Int64) {
        write(node, .number) { $0.append(decimal: value) }
    }

    /// Writes a number in place of a value; one that JSON cannot write becomes null.
    func replace(_ node: Node, double value: Double) {
        write(node, value.isFinite ? .number : .null) { if value.isFinite { $0.append(number: value) } }
    }

    func replaceWithNull(_ node: Node) { write(node, .null) { _ in } }

    func replace(_ node: Node, bool value: Bool) {
        write(node, value ? .yes : .no) { $0.append(value ? "true" : "false" as StaticString) }
    }

    /// Writes a text in place of a value.
    func replace(_ node: Node, text bytes: RawSpan, _ range: Range<Int>) {
        write(node, .text) { $0.append(bytes, range) }
    }

    /// Writes a scalar in place of a value.
    ///
    /// - Parameter text: its JSON; empty for null.
    func replace(_ node: Node, _ kind: Kind, json text: RawSpan, _ range: Range<Int>) {
        write(node, kind) { $0.append(text, range) }
    }

    /// - Returns: whether the field was there.
    @discardableResult
    func remove(_ path: FieldPath) -> Bool {
        var parent = Self.root
        for (key, index) in zip(path.keys, path.indices).dropLast() {
            guard let next = child(of: parent, key, index) else { return false }
            parent = next
        }
        guard let key = path.keys.last, let index = path.indices.last,
            let node = child(of: parent, key, index)
        else { return false }
        unlink(node, from: parent)
        return true
    }

    /// Removes the elements of a list, or the members of an object, of which `isUnwanted` is true.
    func removeElements(of node: Node, where isUnwanted: (Node) -> Bool) {
        for child in children(of: node) where isUnwanted(child) { unlink(child, from: node) }
    }
}

// MARK: - JSON

extension Record {
    /// Takes the fields of a JSON object, in place of all there were.
    func load(_ json: RawSpan) throws(JSONError) {
        reset()
        var reader = JSONReader()
        guard try reader.kind(json) == .object else { throw JSONError(.unexpectedByte, at: reader.offset) }
        try read(&reader, json, into: Self.root, depth: 0)
        try reader.end(json)
        loadedBytes = arena.count
    }

    /// Appends the document: all but `@metadata`, which is for pipelines only.
    func write(into output: inout ByteBuffer) {
        write(Self.root, into: &output)
    }

    /// Reads the next JSON value in place of what `node` holds.
    func read(_ reader: inout JSONReader, _ bytes: RawSpan, into node: Node, depth: Int)
        throws(JSONError)
    {
        guard depth < JSONReader.maxDepth, cells.count < Self.maxValues else {
            throw JSONError(.tooDeep, at: reader.offset)
        }
        let kind = try reader.kind(bytes)
        var isFirst = true
        switch kind {
        case .string:
            let text = try reader.string(bytes)
            write(node, .text) {
                if text.hasEscapes {
                    $0.append(unescaped: text, of: bytes)
                } else {
                    $0.append(bytes, text.range)
                }
            }
        case .object:
            write(node, .object) { _ in }
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                let member = newMember(of: node) {
                    if key.hasEscapes {
                        $0.append(unescaped: key, of: bytes)
                    } else {
                        $0.append(bytes, key.range)
                    }
                }
                try read(&reader, bytes, into: member, depth: depth + 1)
            }
        case .array:
            write(node, .list) { _ in }
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) {
                try read(&reader, bytes, into: newElement(of: node), depth: depth + 1)
            }
        case .number:
            let range = try reader.value(bytes)
            write(node, .number) { $0.append(bytes, range) }
        case .bool:
            let range = try reader.value(bytes)
            write(node, range.count == 4 ? .yes : .no) { $0.append(bytes, range) }
        case .null:
            _ = try reader.value(bytes)
            write(node, .null) { _ in }
        }
    }

    private func write(_ node: Node, into output: inout ByteBuffer) {
        let cell = self[node]
        switch cell.kind {
        case .text:
            output.append(UInt8(ascii: "\""))
            arena.withSpan { output.append(jsonEscaped: $0, cell.start..<cell.end) }
            output.append(UInt8(ascii: "\""))
        case .number, .yes, .no:
            arena.withSpan { output.append($0, cell.start..<cell.end) }
        case .null: output.append("null" as StaticString)
        case .list, .object:
            let isObject = cell.kind == .object
            output.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
            var isFirst = true
            forEach(in: node) { key, child in
                if node == Self.root, isMetadata(key) { return true }
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                if isObject {
                    output.append(UInt8(ascii: "\""))
                    arena.withSpan { output.append(jsonEscaped: $0, key) }
                    output.append("\":" as StaticString)
                }
                write(child, into: &output)
                return true
            }
            output.append(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        }
    }

    private func isMetadata(_ key: Range<Int>) -> Bool {
        key.count == 9 && arena.withSpan { $0.equals("@metadata", key) }
    }
}

// MARK: - Cells

extension Record {
    private subscript(node: Node) -> Cell { cells[Int(node.index)] }

    private func child(of node: Node, _ key: [UInt8], _ index: Int?) -> Node? {
        let cell = self[node]
        switch cell.kind {
        case .object:
            var next = cell.first
            while next >= 0 {
                let member = cells[Int(next)]
                let range = member.keyStart..<member.keyEnd
                if range.count == key.count, arena.withSpan({ $0.equals(key, range) }) {
                    return Node(index: next)
                }
                next = member.next
            }
            return nil
        case .list:
            guard let index else { return nil }
            var next = cell.first
            for _ in 0..<index where next >= 0 { next = cells[Int(next)].next }
            return next >= 0 ? Node(index: next) : nil
        default: return nil
        }
    }

    /// The field at `path`, made with the objects around it where it is missing.
    private func place(_ path: FieldPath) throws(FilterFailure) -> Node {
        try admit(path.keys.count, for: path)
        var node = Self.root
        for (key, index) in zip(path.keys, path.indices) {
            if let next = child(of: node, key, index) {
                node = next
                continue
            }
            switch self[node].kind {
            case .object: node = newMember(of: node) { $0.append(key) }
            // A field that says nothing may become an object.
            case .null:
                write(node, .object) { _ in }
                node = newMember(of: node) { $0.append(key) }
            default:
                throw FilterFailure(.field, "\(path.text) cannot be set: what it would stand in is no object")
            }
        }
        return node
    }

    /// Refuses what would make the event too large.
    private func admit(_ values: Int, for path: FieldPath) throws(FilterFailure) {
        guard cells.count + values <= Self.maxValues else {
            throw FilterFailure(
                .field,
                "\(path.text) cannot be set: the event would have more than \(Self.maxValues) values"
            )
        }
        guard arena.count - loadedBytes <= Self.maxWrittenBytes else {
            throw FilterFailure(
                .field,
                "\(path.text) cannot be set: filters have written \(Self.maxWrittenBytes) bytes to the event"
            )
        }
    }

    /// A new element of the list at `path`.
    private func element(_ path: FieldPath) throws(FilterFailure) -> Node {
        guard let node = find(path) else {
            let node = try place(path)
            write(node, .list) { _ in }
            return newElement(of: node)
        }
        try admit(2, for: path)
        return newElement(behind: node)
    }

    private func newElement(behind node: Node) -> Node {
        if self[node].kind != .list {
            let only = newCell(self[node].kind)
            copyValue(of: node, to: only)
            let isNull = self[node].kind == .null
            write(node, .list) { _ in }
            if !isNull { link(only, to: node) }
        }
        return newElement(of: node)
    }

    private func newCell(_ kind: Kind) -> Node {
        cells.append(Cell(kind: kind))
        return Node(index: Int32(cells.count - 1))
    }

    private func newElement(of list: Node) -> Node {
        let node = newCell(.null)
        link(node, to: list)
        return node
    }

    private func newMember(of object: Node, _ key: (inout ByteBuffer) -> Void) -> Node {
        let node = newCell(.null)
        cells[Int(node.index)].keyStart = arena.count
        key(&arena)
        cells[Int(node.index)].keyEnd = arena.count
        link(node, to: object)
        return node
    }

    private func link(_ node: Node, to parent: Node) {
        let last = self[parent].last
        if last < 0 {
            cells[Int(parent.index)].first = node.index
        } else {
            cells[Int(last)].next = node.index
        }
        cells[Int(parent.index)].last = node.index
    }

    private func unlink(_ node: Node, from parent: Node) {
        let next = self[node].next
        var previous: Int32 = -1
        var index = self[parent].first
        while index >= 0, index != node.index {
            previous = index
            index = cells[Int(index)].next
        }
        if previous < 0 {
            cells[Int(parent.index)].first = next
        } else {
            cells[Int(previous)].next = next
        }
        if next < 0 { cells[Int(parent.index)].last = previous }
    }

    private func write(_ node: Node, _ kind: Kind, _ value: (inout ByteBuffer) -> Void) {
        let start = arena.count
        value(&arena)
        let index = Int(node.index)
        cells[index].kind = kind
        cells[index].start = start
        cells[index].end = arena.count
        cells[index].first = -1
        cells[index].last = -1
    }

    /// Copies value and members; texts are shared, since nothing in the arena changes.
    private func copyValue(of source: Node, to target: Node) {
        let cell = self[source]
        let index = Int(target.index)
        cells[index].kind = cell.kind
        cells[index].start = cell.start
        cells[index].end = cell.end
        var child = cell.first
        while child >= 0 {
            let original = cells[Int(child)]
            let copy = newCell(original.kind)
            cells[Int(copy.index)].keyStart = original.keyStart
            cells[Int(copy.index)].keyEnd = original.keyEnd
            copyValue(of: Node(index: child), to: copy)
            link(copy, to: target)
            child = original.next
        }
    }

    /// Gives the value of a cell that stands nowhere to one in the tree.
    private func give(_ value: Node, to target: Node) {
        let (cell, index) = (self[value], Int(target.index))
        cells[index].kind = cell.kind
        cells[index].start = cell.start
        cells[index].end = cell.end
        cells[index].first = cell.first
        cells[index].last = cell.last
    }

    /// The values in `node`, itself included.
    private func valueCount(of node: Node) -> Int {
        var count = 1
        forEach(in: node) { _, child in
            count += valueCount(of: child)
            return true
        }
        return count
    }
}

// MARK: - Other records

extension Record {
    /// Copies a value of another record, with null in place of `missing`.
    private func take(_ source: Node, of other: Record, at target: Node, without missing: Node? = nil) {
        let cell = other[source]
        guard cell.kind.isContainer, source != missing else {
            write(target, source == missing ? .null : cell.kind) { output in
                other.arena.withSpan { output.append($0, source == missing ? 0..<0 : cell.start..<cell.end) }
            }
            return
        }
        write(target, cell.kind) { _ in }
        other.forEach(in: source) { key, child in
            let copy = cell.kind == .object ? newMember(key, of: other, in: target) : newElement(of: target)
            take(child, of: other, at: copy, without: missing)
            return true
        }
    }

    private func newMember(_ key: Range<Int>, of other: Record, in object: Node) -> Node {
        newMember(of: object) { output in other.arena.withSpan { output.append($0, key) } }
    }

    private func join(_ source: Node, of other: Record, to target: Node) {
        other.forEach(in: source) { key, value in
            let name = other.arena.withSpan { $0.extracting(key).withUnsafeBytes { Array($0) } }
            guard let known = child(of: target, name, nil) else {
                take(value, of: other, at: newMember(key, of: other, in: target))
                return true
            }
            if other.kind(of: value) == .object, kind(of: known) == .object {
                join(value, of: other, to: known)
            } else {
                take(value, of: other, at: known)
            }
            return true
        }
    }
}
