import Common

/// Fields whose names stand in events, and so come from outside.
extension Record {
    /// The longest name of a field that is taken from a text; longer ones name nothing.
    static let maxNameBytes = 256
    private static let metadata: StaticString = "@metadata"

    /// The field of the name `bytes[range]`, made where it is missing; dots lead to inner objects.
    ///
    /// Nothing below `@metadata` is given: what is there decides over the document's id and index, and whoever writes a
    /// line must not.
    ///
    /// - Parameters:
    ///   - parent: the object to start from.
    ///   - appending: whether a field that is there becomes a list with a new element.
    /// - Returns: nil for a name that no field can have, or that leads through a value, or to an object that would
    ///   become a list.
    func namedField(_ bytes: RawSpan, _ range: Range<Int>, in parent: Node = root, appending: Bool = false)
        throws(FilterFailure) -> Node?
    {
        guard Self.isName(bytes, range) else { return nil }
        var node = parent
        var start = range.lowerBound
        while true {
            let end =
                bytes.firstIndex(of: UInt8(ascii: "."), in: start..<range.upperBound) ?? range.upperBound
            if node == Self.root, bytes.equals(Self.metadata, start..<end) { return nil }
            guard kind(of: node) == .object else { return nil }
            let known = member(of: node, bytes, start..<end)
            let next: Node
            if let known { next = known } else { next = try addMember(to: node, bytes, start..<end) }
            if end == range.upperBound {
                guard known != nil, appending else { return next }
                return kind(of: next) == .object ? nil : try addElement(to: next)
            }
            if known == nil || kind(of: next) == .null { makeObject(next) }
            (node, start) = (next, end + 1)
        }
    }

    /// Whether each part between dots has a byte, and there are not too many of them.
    private static func isName(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= maxNameBytes else { return false }
        var parts = 1
        var isEmpty = true
        for index in range {
            if bytes[index] == UInt8(ascii: ".") {
                guard !isEmpty else { return false }
                parts += 1
                isEmpty = true
            } else {
                isEmpty = false
            }
        }
        return !isEmpty && parts <= FieldPath.maxDepth
    }
}
