import Common

extension EventMapper {
    /// Appends `marks`: moments of a transaction in milliseconds, in groups.
    ///
    /// - Parameter areShort: whether groups and names are those of RUM v3.
    func appendMarks(
        _ marks: FieldValue,
        _ line: RawSpan,
        areShort: Bool,
        into document: inout ByteBuffer
    ) {
        guard marks.kind == .object else { return }
        let object = document.openObject(#""marks":"#)
        var groups = ListReader(marks)
        groupKeys.removeAll()
        while let (name, group) = groups.nextMember(line) {
            let mark = document.count
            document.separate()
            let full = areShort ? RUMMarkNames.group(name, line) : nil
            guard let key = document.append(markName: name, full: full, line),
                groupKeys.insert(key, in: document)
            else {
                document.truncate(to: mark)
                continue
            }
            document.append(UInt8(ascii: "{"))
            appendMarks(ofGroup: group, line, areShort: areShort, into: &document)
            document.closeObject(mark)
        }
        document.closeObject(object)
    }

    private func appendMarks(
        ofGroup group: FieldValue,
        _ line: RawSpan,
        areShort: Bool,
        into document: inout ByteBuffer
    ) {
        memberKeys.removeAll()
        var list = ListReader(group)
        while let (name, value) = list.nextMember(line) {
            guard value.kind == .number else { continue }
            let mark = document.count
            document.separate()
            let full = areShort ? RUMMarkNames.mark(name, line) : nil
            guard let key = document.append(markName: name, full: full, line),
                memberKeys.insert(key, in: document)
            else {
                document.truncate(to: mark)
                continue
            }
            document.append(value, line)
        }
    }
}

extension ByteBuffer {
    /// Appends the key of a mark or a group: its full name, or the one that the agent gave.
    fileprivate mutating func append(
        markName name: FieldValue,
        full: StaticString?,
        _ line: RawSpan
    ) -> Range<Int>? {
        guard let full else { return append(sanitizedKey: name, line) }
        append(UInt8(ascii: "\""))
        let start = count
        append(full)
        let range = start..<count
        append("\":" as StaticString)
        return range
    }
}
