import Common

/// `error.grouping_key`: the hash by which Kibana puts errors of one kind together.
///
/// XXH64 (seed 0) over texts in a row, without anything between them. Reused from error to error.
final class GroupingKey {
    private var hash = XXHash64()
    private var unescaped = ByteBuffer()

    /// Bytes of text so far.
    var byteCount: Int { hash.count }

    /// Starts anew and keeps the memory.
    func removeAll() { hash = XXHash64() }

    /// Adds the characters of a string; nothing when there is none.
    func add(_ value: FieldValue, _ line: RawSpan) {
        switch value.kind {
        case .string: hash.update(line, value.range)
        case .escapedString:
            unescaped.removeAll()
            unescaped.append(unescaped: value, of: line)
            unescaped.withSpan { hash.update($0, 0..<$0.byteCount) }
        default: break
        }
    }

    /// Writes the sixteen digits as a member.
    func append(to buffer: inout ByteBuffer) {
        buffer.key(#""grouping_key":"#)
        buffer.append(UInt8(ascii: "\""))
        buffer.append(hexadecimal: hash.value)
        buffer.append(UInt8(ascii: "\""))
    }
}
