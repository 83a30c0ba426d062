import Common

/// The keys that one object has so far: a document in which a key stands twice is refused by stores.
///
/// Keys can become equal when they are sanitised or brought into canonical form.
struct MemberKeys {
    /// Hashes of the first `count` keys, without memory of their own: most objects have few, and there are many
    /// objects.
    private var few = InlineArray<32, UInt64>(repeating: 0)
    private var count = 0
    /// Of all keys once there are more, so that an object of thousands is not searched for each.
    private var many: Set<UInt64> = []

    mutating func removeAll() {
        count = 0
        if !many.isEmpty { many.removeAll() }
    }

    /// Notes the key that stands in `range` of `buffer`.
    ///
    /// - Returns: whether it is the first of its kind.
    mutating func insert(_ range: Range<Int>, in buffer: borrowing ByteBuffer) -> Bool {
        let hash = buffer.withSpan { XXHash64.hash($0, range) }
        if !many.isEmpty { return many.insert(hash).inserted }
        for index in 0..<count where few[index] == hash { return false }
        guard count == few.count else {
            few[count] = hash
            count += 1
            return true
        }
        many.insert(hash)
        for index in 0..<count { many.insert(few[index]) }
        return true
    }
}

extension ByteBuffer {
    /// Appends a key of an agent's object, with its quotes and colon, and `.`, `*` and `"` as `_`.
    ///
    /// - Returns: where its characters stand; nil, and nothing appended, for a blank key, which stores refuse.
    mutating func append(sanitizedKey key: FieldValue, _ line: RawSpan) -> Range<Int>? {
        guard !line.isBlank(key.range) else { return nil }
        append(UInt8(ascii: "\""))
        let start = count
        if key.kind == .escapedString {
            var plain = ByteBuffer(capacity: key.range.count)
            plain.append(unescaped: key, of: line)
            plain.replaceSpecialKeyBytes(from: 0)
            plain.withSpan { append(jsonEscaped: $0, 0..<$0.byteCount) }
        } else {
            append(line, key.range)
            replaceSpecialKeyBytes(from: start)
        }
        let range = start..<count
        append("\":" as StaticString)
        return range
    }

    private mutating func replaceSpecialKeyBytes(from start: Int) {
        withUnsafeMutableBytes { bytes in
            for index in start..<bytes.count {
                let byte = bytes[index]
                if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\"") {
                    bytes[index] = UInt8(ascii: "_")
                }
            }
        }
    }
}

extension RawSpan {
    /// Whether there is nothing but spaces.
    func isBlank(_ range: Range<Int>) -> Bool {
        for index in range where self[index] != UInt8(ascii: " ") { return false }
        return true
    }
}
