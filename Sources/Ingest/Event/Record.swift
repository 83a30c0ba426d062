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
        let index: Int32
    }

    struct Cell {
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

    var cells: [Cell] = [Cell()]
    var arena = ByteBuffer(capacity: 4096)
    /// What `load` wrote.
    var loadedBytes = 0

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
}
