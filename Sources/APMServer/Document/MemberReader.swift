import Common

/// Steps through the members of an object that stands in a line, or through the elements of an array.
///
/// The decoder checked the text, so reading ends at its end and, should the text be anything else, there.
struct MemberReader {
    struct Member {
        let key: JSONReader.Text
        let value: FieldValue
    }

    private var reader: JSONReader
    private var isFirst = true
    private let isGiven: Bool

    /// - Parameter value: the object or array; anything else has no members.
    init(_ value: FieldValue) {
        reader = JSONReader(offset: value.range.lowerBound + 1)
        isGiven = value.kind == .object || value.kind == .array
    }

    /// The next member of the object.
    mutating func member(_ line: RawSpan) -> Member? {
        guard isGiven else { return nil }
        do throws(JSONError) {
            guard let key = try reader.nextKey(line, isFirst: &isFirst) else { return nil }
            return Member(key: key, value: try value(line))
        } catch {
            return nil
        }
    }

    /// The next element of the array; nulls are answered as absent values.
    mutating func element(_ line: RawSpan) -> FieldValue? {
        guard isGiven else { return nil }
        do throws(JSONError) {
            guard try reader.nextElement(line, isFirst: &isFirst) else { return nil }
            return try value(line)
        } catch {
            return nil
        }
    }

    private mutating func value(_ line: RawSpan) throws(JSONError) -> FieldValue {
        switch try reader.kind(line) {
        case .string:
            let text = try reader.string(line)
            return FieldValue(text.hasEscapes ? .escapedString : .string, text.range)
        case .object: return FieldValue(.object, try reader.value(line))
        case .array: return FieldValue(.array, try reader.value(line))
        case .number: return FieldValue(.number, try reader.value(line))
        case .bool:
            let range = try reader.value(line)
            return FieldValue(range.count == 4 ? .true : .false, range)
        case .null:
            _ = try reader.value(line)
            return .absent
        }
    }
}

extension FieldValue {
    init(_ kind: Kind, _ range: Range<Int>) {
        self.init(kind: kind, start: UInt32(range.lowerBound), end: UInt32(range.upperBound))
    }

    /// A string as `JSONReader` answers it.
    @inline(__always) var text: JSONReader.Text {
        JSONReader.Text(range: range, hasEscapes: kind == .escapedString)
    }
}

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
    mutating func append(sanitizedKey key: JSONReader.Text, _ line: RawSpan) -> Range<Int>? {
        guard !line.isBlank(key.range) else { return nil }
        append(UInt8(ascii: "\""))
        let start = count
        if key.hasEscapes {
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
    fileprivate func isBlank(_ range: Range<Int>) -> Bool {
        for index in range where self[index] != UInt8(ascii: " ") { return false }
        return true
    }
}
