import Common

/// Whether two JSON texts say the same to Elasticsearch, which is what tests of pipelines ask.
enum JSONEquality {
    /// Numbers are equal by value, texts by their characters, a list of one to its element; the order of an object's
    /// members does not count.
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let (first, second) = (Record(), Record())
        guard let field = FieldPath("v"), load(left, first, field), load(right, second, field),
            let one = first.find(field), let other = second.find(field)
        else { return left == right }
        return areEqual(first, one, second, other)
    }

    private static func load(_ json: [UInt8], _ record: Record, _ field: FieldPath) -> Bool {
        do throws(FilterFailure) {
            try record.set(field, json: json.span.bytes, 0..<json.count)
            return true
        } catch {
            return false
        }
    }

    private static func areEqual(_ left: Record, _ one: Record.Node, _ right: Record, _ other: Record.Node)
        -> Bool
    {
        switch (left.kind(of: one), right.kind(of: other)) {
        case (.list, .list):
            let (first, second) = (left.children(of: one), right.children(of: other))
            return first.count == second.count
                && zip(first, second).allSatisfy { areEqual(left, $0, right, $1) }
        case (.list, _):
            let elements = left.children(of: one)
            return elements.count == 1 && areEqual(left, elements[0], right, other)
        case (_, .list):
            let elements = right.children(of: other)
            return elements.count == 1 && areEqual(left, one, right, elements[0])
        case (.object, .object):
            let (first, second) = (members(left, one), members(right, other))
            guard first.count == second.count else { return false }
            return first.allSatisfy { key, value in
                second[key].map { areEqual(left, value, right, $0) } ?? false
            }
        case (.number, .number):
            let (first, second) = (left.string(one), right.string(other))
            return first == second || Double(first) == Double(second)
        case (let first, let second):
            return first == second && left.string(one) == right.string(other)
        }
    }

    private static func members(_ record: Record, _ node: Record.Node) -> [String: Record.Node] {
        Dictionary(record.children(of: node).map { (record.key(of: $0), $0) }) { $1 }
    }
}
