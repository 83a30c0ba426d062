import Common

/// The number of a field in a `FieldTable`.
struct FieldID: Hashable, Sendable {
    let index: Int
}

/// All fields that documents of this process can have, numbered at start in the order of writing.
///
/// A document nests dotted names, so every object on the way is a node with a number of its own: `http` and
/// `http.request` for `http.request.method`. Node 0 is the document. Each node has one more field, its *rest*: the members
/// that an incoming event has there and that no pipeline knows; they are copied as they came.
///
/// Immutable, so all workers share one.
final class FieldTable: Sendable {
    /// What a member of an incoming event means.
    enum Child: Equatable, Sendable {
        case field(FieldID)
        case node(Int)
    }

    /// A field as `DocumentWriter` needs it.
    struct Entry: Sendable {
        /// The object that holds it.
        let node: Int
        /// Index in `starts` of where the text to write begins when the whole path is new.
        let firstStart: Int
        /// End of the text to write, an offset into `text`.
        let end: Int
    }

    /// The document itself.
    static let root = 0

    let entries: [Entry]
    /// The opening of every field, such as `"http":{"request":{"method":`.
    let text: [UInt8]
    /// For each field one offset into `text` per level, so that a writer inside `http` starts at `"request"`.
    let starts: [Int]
    /// How many objects are open around a member of each node.
    let depths: [Int]
    /// How many objects two nodes share, at `first * nodeCount + second`.
    let sharedDepths: [UInt8]
    let nodeCount: Int
    /// The rest of each node.
    let rests: [FieldID]
    /// The node `labels`, where misplaced values go.
    let labels: Int
    /// The nodes `source.geo` and `user_agent`, whose members look-ups give as a whole.
    let sourceGeo: Int
    let userAgent: Int
    let host: Int
    /// The fields of each node and of the nodes in it.
    let fields: [Range<Int>]
    private let known: [FieldID]
    private let ids: [String: FieldID]
    private let members: MemberIndex

    /// Numbers the fields of `ECSField` and `names`; repeated names are welcome.
    ///
    /// - Throws: `FieldTableError` when one name is a field for one and an object for another.
    init(names: [String] = []) throws(FieldTableError) {
        let all = Set(ECSField.allCases.map(\.name) + names)
        let paths = all.map { $0.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
        var nodes = Set<[String]>([[], ["labels"], ["source", "geo"]])
        for path in paths {
            guard path.allSatisfy({ !$0.isEmpty }) else {
                throw FieldTableError(name: path.joined(separator: "."), problem: "has an empty part")
            }
            for length in 1..<max(path.count, 1) { nodes.insert(Array(path.prefix(length))) }
        }
        for path in paths where nodes.contains(path) {
            throw FieldTableError(
                name: path.joined(separator: "."),
                problem: "is a field and an object at once"
            )
        }
        let order = nodes.sorted { $0.lexicographicallyPrecedes($1) }
        let layout = FieldLayout(paths: paths + order.map { $0 + [""] }, nodes: order)
        nodeCount = order.count
        func number(_ path: String...) -> Int { order.firstIndex(of: path) ?? Self.root }
        labels = number("labels")
        sourceGeo = number("source", "geo")
        userAgent = number("user_agent")
        host = number("host")
        fields = layout.fields
        depths = order.map(\.count)
        entries = layout.entries
        text = layout.text
        starts = layout.starts
        rests = layout.rests
        ids = layout.ids
        sharedDepths = order.flatMap { first in
            order.map { second in UInt8(zip(first, second).prefix { $0 == $1 }.count) }
        }
        members = MemberIndex(children: layout.children)
        let ids = layout.ids
        known = ECSField.allCases.map { ids[$0.name] ?? FieldID(index: 0) }
    }

    /// The number of a field that every table has.
    @inline(__always)
    func id(_ field: ECSField) -> FieldID { known[field.rawValue] }

    /// The number of a field by its dotted name; nil for one that was not given at start.
    func id(named name: String) -> FieldID? { ids[name] }

    /// What the member `key` of the object `node` is; nil for one that no pipeline knows.
    @inline(__always)
    func child(of node: Int, key: RawSpan, _ range: Range<Int>) -> Child? {
        members.find(node: node, key, range)
    }
}

/// A set of field names that cannot stand in one document.
struct FieldTableError: Error, Equatable, CustomStringConvertible {
    let name: String
    let problem: String
    var description: String { "field \(name) \(problem)" }
}

/// Works out numbers and texts of a `FieldTable`.
private struct FieldLayout {
    var entries: [FieldTable.Entry] = []
    var text: [UInt8] = []
    var starts: [Int] = []
    var rests: [FieldID]
    var fields: [Range<Int>]
    var ids: [String: FieldID] = [:]
    var children: [(node: Int, key: [UInt8], child: FieldTable.Child)] = []

    /// - Parameter paths: the parts of each name; an empty last part stands for the rest of that node.
    init(paths: [[String]], nodes: [[String]]) {
        let numbers = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1, $0) })
        rests = Array(repeating: FieldID(index: 0), count: nodes.count)
        fields = Array(repeating: 0..<0, count: nodes.count)
        for (number, node) in nodes.enumerated() where !node.isEmpty {
            let holder = numbers[Array(node.dropLast())] ?? FieldTable.root
            children.append((holder, Array(node[node.count - 1].utf8), .node(number)))
        }
        for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let id = FieldID(index: entries.count)
            let node = numbers[Array(path.dropLast())] ?? FieldTable.root
            let isRest = path.last == ""
            entries.append(
                FieldTable.Entry(node: node, firstStart: starts.count, end: opening(of: path))
            )
            if isRest {
                rests[node] = id
            } else {
                ids[path.joined(separator: ".")] = id
                children.append((node, Array(path[path.count - 1].utf8), .field(id)))
            }
            for length in 0..<path.count {
                let holder = numbers[Array(path.prefix(length))] ?? FieldTable.root
                let first = fields[holder].isEmpty ? id.index : fields[holder].lowerBound
                fields[holder] = first..<id.index + 1
            }
        }
    }

    /// Appends what introduces the value of `path`, and answers the end of that text.
    private mutating func opening(of path: [String]) -> Int {
        var buffer = ByteBuffer()
        for (level, part) in path.enumerated() {
            starts.append(text.count + buffer.count)
            if part.isEmpty { break }
            buffer.append(jsonString: part)
            buffer.append(level == path.count - 1 ? ":" : ":{")
        }
        text += buffer.array
        return text.count
    }
}

/// Finds members of nodes by their bytes: a hash table with linear probing, built once.
private struct MemberIndex: Sendable {
    private struct Bucket: Sendable {
        let node: Int
        let key: Range<Int>
        let child: FieldTable.Child
    }

    private var buckets: [Bucket?]
    private var keys: [UInt8] = []

    init(children: [(node: Int, key: [UInt8], child: FieldTable.Child)]) {
        var size = 16
        while size < children.count * 4 { size *= 2 }
        buckets = Array(repeating: nil, count: size)
        for (node, key, child) in children {
            let range = keys.count..<keys.count + key.count
            keys += key
            var index = Self.hash(node: node, keys.span.bytes, range) & (size - 1)
            while buckets[index] != nil { index = (index + 1) & (size - 1) }
            buckets[index] = Bucket(node: node, key: range, child: child)
        }
    }

    @inline(__always)
    func find(node: Int, _ bytes: RawSpan, _ range: Range<Int>) -> FieldTable.Child? {
        var index = Self.hash(node: node, bytes, range) & (buckets.count - 1)
        while let bucket = buckets[index] {
            if bucket.node == node, keys.span.bytes.equals(bytes, range, bucket.key) {
                return bucket.child
            }
            index = (index + 1) & (buckets.count - 1)
        }
        return nil
    }

    /// Mixes the length, the first and the last eight bytes: enough to tell names apart, and equal for equal keys.
    @inline(__always)
    private static func hash(node: Int, _ bytes: RawSpan, _ range: Range<Int>) -> Int {
        var first: UInt64 = 0
        var last: UInt64 = 0
        if range.count >= 8 {
            first = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
            last = bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound - 8, as: UInt64.self)
        } else {
            for index in range { first = first << 8 | UInt64(bytes[index]) }
        }
        let mixed = first ^ (last << 29 | last >> 35) ^ UInt64(truncatingIfNeeded: node &* 31 &+ range.count)
        let product = mixed &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product >> 40)
    }
}
