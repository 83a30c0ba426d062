import Common

/// How much JSON from a line may come to.
struct JSONLimits: Sendable {
    /// Objects and lists within each other.
    let depth: Int
    /// Members and elements in all of it.
    let values: Int

    enum Problem: Error, Equatable, CustomStringConvertible {
        case json(JSONError)
        case depth(Int)
        case values(Int)

        var description: String {
            switch self {
            case .json(let error): "is no JSON: \(error)"
            case .depth(let limit): "is nested more than \(limit) deep"
            case .values(let limit): "has more than \(limit) values"
            }
        }
    }

    /// Reads all of a text, and answers what it is.
    func check(_ bytes: RawSpan) throws(Problem) -> JSONReader.Kind {
        var reader = JSONReader()
        var count = 0
        let kind = try check(&reader, bytes, depth: 0, &count)
        do throws(JSONError) { try reader.end(bytes) } catch { throw .json(error) }
        return kind
    }

    @discardableResult
    private func check(_ reader: inout JSONReader, _ bytes: RawSpan, depth: Int, _ count: inout Int)
        throws(Problem) -> JSONReader.Kind
    {
        count += 1
        // The text itself is no value of it.
        guard count <= values + 1 else { throw .values(values) }
        do {
            let kind = try reader.kind(bytes)
            var isFirst = true
            switch kind {
            case .object, .array:
                guard depth < self.depth else { throw Problem.depth(self.depth) }
                if kind == .object {
                    try reader.beginObject(bytes)
                    while try reader.nextKey(bytes, isFirst: &isFirst) != nil {
                        try check(&reader, bytes, depth: depth + 1, &count)
                    }
                } else {
                    try reader.beginArray(bytes)
                    while try reader.nextElement(bytes, isFirst: &isFirst) {
                        try check(&reader, bytes, depth: depth + 1, &count)
                    }
                }
            default: _ = try reader.value(bytes)
            }
            return kind
        } catch let error as JSONError {
            throw .json(error)
        } catch let error as Problem {
            throw error
        } catch {
            fatalError("reading JSON: \(error)")
        }
    }
}
