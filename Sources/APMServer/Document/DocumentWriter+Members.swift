import Common

extension ByteBuffer {
    /// A member whose value is the string, or the number as a string; nothing when it is absent or empty.
    @inline(__always)
    mutating func textMember(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        guard value.kind == .number else {
            member(key, value, line)
            return
        }
        self.key(key)
        append(UInt8(ascii: "\""))
        append(line, value.range)
        append(UInt8(ascii: "\""))
    }

    /// A member whose value is a whole number.
    @inline(__always)
    mutating func member(_ key: StaticString, _ value: Int64) {
        self.key(key)
        append(decimal: value)
    }

    /// A member whose value is a whole number; nothing when it is absent or 0, where 0 means none.
    mutating func memberUnlessZero(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        if let number = value.integer(line), number != 0 { member(key, number) }
    }

    /// A member whose value is the array as it stands in the line; nothing when it is absent or has no elements.
    mutating func listMember(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        var reader = ListReader(value)
        guard reader.next(line) != nil else { return }
        member(key, value, line)
    }

    /// An object with an id alone, such as `trace`; nothing without it.
    mutating func appendID(_ key: StaticString, _ id: FieldValue, _ line: RawSpan) {
        let object = openObject(key)
        member(#""id":"#, id, line)
        closeObject(object)
    }

    /// The characters of a string, or of a part of one, with quotes.
    ///
    /// Unlike `append`, which copies the quotes that stand around a whole string.
    mutating func appendQuoted(_ value: FieldValue, _ line: RawSpan) {
        append(UInt8(ascii: "\""))
        append(line, value.range)
        append(UInt8(ascii: "\""))
    }

    /// A member whose value is a string or a part of one; nothing when it is absent or empty.
    mutating func quotedMember(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        guard value.hasText else { return }
        self.key(key)
        appendQuoted(value, line)
    }
}
