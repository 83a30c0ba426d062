import Common

/// The tree itself: cells that are linked in lists, and the bytes they point at.
///
/// For the other files of `Record` only.
extension Record {
    subscript(node: Node) -> Cell { cells[Int(node.index)] }

    func child(of node: Node, _ key: [UInt8], _ index: Int?) -> Node? {
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
    func place(_ path: FieldPath) throws(FilterFailure) -> Node {
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
    func admit(_ values: Int, for path: FieldPath) throws(FilterFailure) {
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
    func element(_ path: FieldPath) throws(FilterFailure) -> Node {
        guard let node = find(path) else {
            let node = try place(path)
            write(node, .list) { _ in }
            return newElement(of: node)
        }
        try admit(2, for: path)
        return newElement(behind: node)
    }

    func newElement(behind node: Node) -> Node {
        if self[node].kind != .list {
            let only = newCell(self[node].kind)
            copyValue(of: node, to: only)
            let isNull = self[node].kind == .null
            write(node, .list) { _ in }
            if !isNull { link(only, to: node) }
        }
        return newElement(of: node)
    }

    func newCell(_ kind: Kind) -> Node {
        cells.append(Cell(kind: kind))
        return Node(index: Int32(cells.count - 1))
    }

    func newElement(of list: Node) -> Node {
        let node = newCell(.null)
        link(node, to: list)
        return node
    }

    func newMember(of object: Node, _ key: (inout ByteBuffer) -> Void) -> Node {
        let node = newCell(.null)
        cells[Int(node.index)].keyStart = arena.count
        key(&arena)
        cells[Int(node.index)].keyEnd = arena.count
        link(node, to: object)
        return node
    }

    func link(_ node: Node, to parent: Node) {
        let last = self[parent].last
        if last < 0 {
            cells[Int(parent.index)].first = node.index
        } else {
            cells[Int(last)].next = node.index
        }
        cells[Int(parent.index)].last = node.index
    }

    func unlink(_ node: Node, from parent: Node) {
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

    func write(_ node: Node, _ kind: Kind, _ value: (inout ByteBuffer) -> Void) {
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
    func copyValue(of source: Node, to target: Node) {
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
    func give(_ value: Node, to target: Node) {
        let (cell, index) = (self[value], Int(target.index))
        cells[index].kind = cell.kind
        cells[index].start = cell.start
        cells[index].end = cell.end
        cells[index].first = cell.first
        cells[index].last = cell.last
    }

    /// The values in `node`, itself included.
    func valueCount(of node: Node) -> Int {
        var count = 1
        forEach(in: node) { _, child in
            count += valueCount(of: child)
            return true
        }
        return count
    }
}
