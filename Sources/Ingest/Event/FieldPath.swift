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
        guard let keys = Self.keys(text), keys.count <= Self.maxDepth else { return nil }
        self.keys = keys
        indices = keys.map { key in
            key.count < 7 ? Int(String(decoding: key, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil } : nil
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

    private static func keys(_ text: String) -> [[UInt8]]? {
        guard text.first == "[" else {
            let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            return parts.contains { $0.isEmpty } ? nil : parts.map(Array.init)
        }
        guard text.last == "]" else { return nil }
        let parts = text.dropFirst().dropLast().split(separator: "][", omittingEmptySubsequences: false)
        let isBroken = parts.contains { $0.isEmpty || $0.contains("[") || $0.contains("]") }
        return isBroken ? nil : parts.map { Array($0.utf8) }
    }
}
