/// The way to a field: the keys of the objects around it, outermost first, and its own.
///
/// Written `http.request.method`, or as Logstash writes it, `[http][request][method]`: in brackets a key may have
/// dots. A number names an element where the path comes to a list.
struct FieldPath: Hashable, Sendable {
    /// Elasticsearch's own limit of nesting (`index.mapping.depth.limit`) is 20.
    static let maxDepth = 20

    /// UTF-8 of each key.
    let keys: [[UInt8]]
    /// Each key as an index of a list; nil for keys that are no number.
    let indices: [Int?]

    /// - Returns: nil for a text that names no field: empty, with an empty key, a bracket that is not closed, or too
    ///   many keys.
    init?(_ text: String) {
        guard let keys = Self.keys(text) else { return nil }
        self.init(keys)
    }

    private init?(_ keys: [[UInt8]]) {
        guard keys.count <= Self.maxDepth else { return nil }
        self.keys = keys
        indices = keys.map { key in
            let isIndex = key.count < 7 && key.allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
            return isIndex ? Int(String(decoding: key, as: UTF8.self)) : nil
        }
    }

    /// The path of a field below this one.
    func appending(_ path: FieldPath) -> FieldPath {
        FieldPath(keys: keys + path.keys, indices: indices + path.indices)
    }

    private init(keys: [[UInt8]], indices: [Int?]) {
        self.keys = keys
        self.indices = indices
    }

    /// The path as users of Elasticsearch write it.
    var text: String { keys.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".") }

    /// The path of a member of the field; nil when it would have too many keys.
    func appending(_ key: String) -> FieldPath? { FieldPath(keys + [Array(key.utf8)]) }

    /// The path of the object around the field; nil at the top.
    var parent: FieldPath? { keys.count > 1 ? FieldPath(Array(keys.dropLast())) : nil }

    /// Whether the path leads through `other`.
    func isBelow(_ other: FieldPath) -> Bool {
        keys.count > other.keys.count && keys.starts(with: other.keys)
    }

    private static func keys(_ text: String) -> [[UInt8]]? {
        guard text.first == "[" else {
            let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            let isBroken = text.contains { $0 == "[" || $0 == "]" } || parts.contains { $0.isEmpty }
            return isBroken ? nil : parts.map(Array.init)
        }
        guard text.last == "]" else { return nil }
        let parts = text.dropFirst().dropLast().split(separator: "][", omittingEmptySubsequences: false)
        let isBroken = parts.contains { $0.isEmpty || $0.contains("[") || $0.contains("]") }
        return isBroken ? nil : parts.map { Array($0.utf8) }
    }
}
