import Common

/// Known objects that are kept as a range: only checked here, and decoded again when they are written.
extension LineParser {
    /// One that stands alone; without a known member it counts as not given.
    mutating func element(_ object: Int, _ line: RawSpan, depth: Int) throws(JSONError) -> FieldValue {
        let start = reader.offset
        let isGiven = try self.object(object, line, scratch.values, depth: depth)
        return isGiven ? FieldValue(.object, start..<reader.offset) : .absent
    }

    /// An array of them; an empty one counts as not given.
    mutating func elements(
        _ member: UnsafePointer<CompiledMember>,
        _ line: RawSpan,
        depth: Int
    ) throws(JSONError) -> FieldValue {
        guard depth < JSONReader.maxDepth else { throw JSONError(.tooDeep, at: reader.offset) }
        let start = reader.offset
        var isFirst = true
        try reader.beginArray(line)
        while try nextElement(line, isFirst: &isFirst) {
            let isGiven = try checkedElement(member.pointee.object, line, depth: depth + 1)
            if !isGiven, member.pointee.rule.needsElements { refuse() }
        }
        return isFirst ? .absent : FieldValue(.array, start..<reader.offset)
    }

    /// An object of them by name; an empty one counts as not given.
    mutating func namedElements(
        _ member: UnsafePointer<CompiledMember>,
        _ line: RawSpan,
        depth: Int
    ) throws(JSONError) -> FieldValue {
        guard depth < JSONReader.maxDepth else { throw JSONError(.tooDeep, at: reader.offset) }
        let start = reader.offset
        var isFirst = true
        try reader.beginObject(line)
        while let key = try reader.nextKey(line, isFirst: &isFirst) {
            if !FieldValue(key).isSampleName(line) { refuse() }
            if !(try checkedElement(member.pointee.object, line, depth: depth + 1)) { refuse() }
        }
        return isFirst ? .absent : FieldValue(.object, start..<reader.offset)
    }

    /// A list, or an object of free names, of a line that is known to be valid; an empty one counts as not given.
    mutating func container(_ line: RawSpan) -> FieldValue {
        let value = line.checkedValue(&reader.offset)
        let isEmpty = value.range.dropFirst().dropLast().allSatisfy { line[$0] <= 0x20 }
        return isEmpty ? .absent : value
    }

    /// - Returns: whether the element is given.
    private mutating func checkedElement(
        _ object: Int,
        _ line: RawSpan,
        depth: Int
    ) throws(JSONError) -> Bool {
        switch try reader.kind(line) {
        case .object: return try self.object(object, line, scratch.values, depth: depth)
        case .null:
            _ = try reader.value(line)
            return false
        default: throw mismatch("an object")
        }
    }
}
