import Common

extension ByteBuffer {
    /// A member with what agents may fill as they like (`custom`, `attributes`, `vars`, `env`, `cookies`, a body).
    ///
    /// Nulls, empty objects and empty arrays are left out, at every depth; so is the member when nothing is left.
    /// Numbers become what a double holds of them. Of members of one name the first counts: Elasticsearch refuses
    /// documents with two.
    ///
    /// - Parameters:
    ///   - value: a value that was checked to be JSON; strings and numbers are taken too.
    ///   - sanitizesKeys: whether `.`, `*` and `"` in the keys of the outermost object become `_`.
    mutating func freeForm(
        _ key: StaticString,
        _ value: FieldValue,
        _ line: RawSpan,
        sanitizesKeys: Bool = false
    ) {
        switch value.kind {
        case .object, .array:
            let mark = count
            self.key(key)
            var copier = FreeFormJSON(value.range)
            if !copier.copyValue(line, into: &self, sanitizesKeys: sanitizesKeys) { truncate(to: mark) }
        case .number:
            self.key(key)
            append(double: line, value.range)
        default: member(key, value, line)
        }
    }

    /// Appends the JSON number `bytes[range]` as a double: with no more digits than a double tells apart.
    ///
    /// Beyond the largest double it is that one.
    mutating func append(double bytes: RawSpan, _ range: Range<Int>) {
        if bytes.isExactDouble(range) {
            append(bytes, range)
        } else {
            append(number: bytes.double(range))
        }
    }
}

extension RawSpan {
    /// Whether a double tells all digits of a number: at most fifteen, without an exponent.
    fileprivate func isExactDouble(_ range: Range<Int>) -> Bool {
        guard range.count <= 16 else { return false }
        var others = 0
        for index in range where self[index] &- 48 >= 10 {
            if self[index] | 0x20 == UInt8(ascii: "e") { return false }
            others += 1
        }
        return range.count - others <= 15
    }
}

/// Copies JSON that was checked before and leaves out what says nothing.
private struct FreeFormJSON {
    private var cursor: CheckedJSON
    private var depth = 0

    init(_ range: Range<Int>) { cursor = CheckedJSON(range) }

    /// Copies the value at the cursor.
    ///
    /// - Returns: false when it says nothing; the buffer may then end in a part of it.
    mutating func copyValue(_ line: RawSpan, into buffer: inout ByteBuffer, sanitizesKeys: Bool) -> Bool {
        switch cursor.peek(line) {
        case UInt8(ascii: "{"): return copyObject(line, into: &buffer, sanitizesKeys: sanitizesKeys)
        case UInt8(ascii: "["): return copyArray(line, into: &buffer)
        default:
            let value = cursor.value(line)
            switch value.kind {
            case .absent: return false
            case .number: buffer.append(double: line, value.range)
            default: buffer.append(value, line)
            }
            return true
        }
    }

    private mutating func copyObject(
        _ line: RawSpan,
        into buffer: inout ByteBuffer,
        sanitizesKeys: Bool
    ) -> Bool {
        depth += 1
        defer { depth -= 1 }
        var keys = MemberKeys()
        buffer.append(UInt8(ascii: "{"))
        cursor.begin()
        while cursor.nextElement(line) {
            let mark = buffer.count
            buffer.separate()
            let key = buffer.append(key: cursor.key(line), line, sanitizes: sanitizesKeys)
            let isKept = copyInner(line, into: &buffer)
            guard isKept, let key, keys.insert(key, in: buffer) else {
                buffer.truncate(to: mark)
                continue
            }
        }
        let isEmpty = buffer[buffer.count - 1] == UInt8(ascii: "{")
        buffer.append(UInt8(ascii: "}"))
        return !isEmpty
    }

    private mutating func copyArray(_ line: RawSpan, into buffer: inout ByteBuffer) -> Bool {
        depth += 1
        defer { depth -= 1 }
        buffer.append(UInt8(ascii: "["))
        cursor.begin()
        while cursor.nextElement(line) {
            let mark = buffer.count
            buffer.separate()
            if !copyInner(line, into: &buffer) { buffer.truncate(to: mark) }
        }
        let isEmpty = buffer[buffer.count - 1] == UInt8(ascii: "[")
        buffer.append(UInt8(ascii: "]"))
        return !isEmpty
    }

    private mutating func copyInner(_ line: RawSpan, into buffer: inout ByteBuffer) -> Bool {
        guard depth < JSONReader.maxDepth else {
            // Lines are checked by a reader that goes no deeper either; the stack must not depend on it.
            _ = cursor.value(line)
            return false
        }
        return copyValue(line, into: &buffer, sanitizesKeys: false)
    }
}

extension ByteBuffer {
    /// Appends a key with its quotes and colon, made searchable if need be.
    ///
    /// - Returns: where its characters stand; nil, and nothing appended, for a blank key, which stores refuse.
    fileprivate mutating func append(
        key: FieldValue,
        _ line: RawSpan,
        sanitizes: Bool
    ) -> Range<Int>? {
        if sanitizes { return append(sanitizedKey: key, line) }
        guard !line.isBlank(key.range) else { return nil }
        append(key, line)
        append(UInt8(ascii: ":"))
        return count - key.range.count - 2..<count - 2
    }
}
