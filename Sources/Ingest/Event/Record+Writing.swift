import Common

/// Setting, moving and removing fields.
extension Record {
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
