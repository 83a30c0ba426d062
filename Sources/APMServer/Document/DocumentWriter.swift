import Common

/// Writing nested documents straight into a buffer.
///
/// Keys are literals that bring their quotes and colon (`#""name":"#`), so that a member is one copy. Commas follow
/// from the byte before: none behind `{` or `[`. An object that got no member vanishes with its key.
extension ByteBuffer {
    /// Begins a member: a comma when needed, then `key`.
    @inline(__always)
    mutating func key(_ key: StaticString) {
        separate()
        append(key)
    }

    /// A comma, unless nothing stands before in this object or array.
    @inline(__always)
    mutating func separate() {
        guard count > 0 else { return }
        let last = self[count - 1]
        if last != UInt8(ascii: "{"), last != UInt8(ascii: "[") { append(UInt8(ascii: ",")) }
    }

    /// Opens an object under `key`; give the answer to `closeObject`.
    @inline(__always)
    mutating func openObject(_ key: StaticString) -> Int {
        let mark = count
        self.key(key)
        append(UInt8(ascii: "{"))
        return mark
    }

    /// Closes the object; one without members is taken back.
    @inline(__always)
    mutating func closeObject(_ mark: Int) {
        if self[count - 1] == UInt8(ascii: "{") {
            truncate(to: mark)
        } else {
            append(UInt8(ascii: "}"))
        }
    }

    /// A member whose value is `value` as it stands in `line`; nothing when it is absent or an empty string.
    @inline(__always)
    mutating func member(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        guard value.isGiven, !(value.isString && value.isEmpty) else { return }
        self.key(key)
        append(value, line)
    }

    /// The value as JSON.
    ///
    /// Must not be called for an absent one.
    @inline(__always)
    mutating func append(_ value: FieldValue, _ line: RawSpan) {
        switch value.kind {
        case .string, .escapedString: append(line, value.range.lowerBound - 1..<value.range.upperBound + 1)
        case .number, .object, .array: append(line, value.range)
        case .true: append("true" as StaticString)
        case .false: append("false" as StaticString)
        case .absent: append("null" as StaticString)
        }
    }
}
