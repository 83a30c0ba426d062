import Common

/// The keys that one object has so far: a document in which a key stands twice is refused by stores.
///
/// Keys can become equal when they are sanitised or brought into canonical form.
struct MemberKeys {
    private var keys: [Range<Int>] = []
    /// A bit for each hash of a key, so that most new keys are known to be new at once.
    private var seen: UInt64 = 0

    mutating func removeAll() {
        keys.removeAll(keepingCapacity: true)
        seen = 0
    }

    /// Notes the key that stands in `range` of `buffer`.
    ///
    /// - Returns: whether it is the first of its kind.
    mutating func insert(_ range: Range<Int>, in buffer: borrowing ByteBuffer) -> Bool {
        let isNew = buffer.withUnsafeBytes { bytes in
            let key = UnsafeRawBufferPointer(rebasing: bytes[range])
            let bit = Self.bit(key)
            if seen & bit != 0 {
                for other in keys where other.count == range.count {
                    if UnsafeRawBufferPointer(rebasing: bytes[other]).elementsEqual(key) { return false }
                }
            }
            seen |= bit
            return true
        }
        if isNew { keys.append(range) }
        return isNew
    }

    private static func bit(_ key: UnsafeRawBufferPointer) -> UInt64 {
        guard !key.isEmpty else { return 1 }
        let middle = UInt64(key[key.count / 2])
        let ends = UInt64(key[0]) &* 5 &+ UInt64(key[key.count - 1])
        return 1 << ((ends &+ middle &* 3 &+ UInt64(key.count)) & 63)
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
