import Common

/// JSON as a value, for comparing documents.
indirect enum JSONTree: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    struct DuplicateKey: Error { let key: String }

    /// - Throws: for anything but one JSON value, and for an object with a key twice, which stores refuse.
    init(_ bytes: [UInt8]) throws {
        var reader = JSONReader()
        self = try Self.read(bytes.span.bytes, &reader)
        try reader.end(bytes.span.bytes)
    }

    init(_ text: String) throws { try self.init(Array(text.utf8)) }

    private static func read(_ bytes: RawSpan, _ reader: inout JSONReader) throws -> JSONTree {
        var isFirst = true
        switch try reader.kind(bytes) {
        case .string: return .string(string(try reader.string(bytes), bytes))
        case .number: return .number(Double(bytes.text(try reader.value(bytes))) ?? .nan)
        case .bool: return .bool(try reader.value(bytes).count == 4)
        case .null:
            _ = try reader.value(bytes)
            return .null
        case .array:
            var elements: [JSONTree] = []
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) {
                elements.append(try read(bytes, &reader))
            }
            return .array(elements)
        case .object:
            var members: [String: JSONTree] = [:]
            try reader.beginObject(bytes)
            while let text = try reader.nextKey(bytes, isFirst: &isFirst) {
                let key = string(text, bytes)
                guard members.updateValue(try read(bytes, &reader), forKey: key) == nil else {
                    throw DuplicateKey(key: key)
                }
            }
            return .object(members)
        }
    }

    private static func string(_ text: JSONReader.Text, _ bytes: RawSpan) -> String {
        var buffer = ByteBuffer()
        buffer.append(unescaped: text, of: bytes)
        return buffer.text
    }

    /// The value at a dotted path; nil when there is none.
    subscript(path: String) -> JSONTree? {
        var value = self
        for key in path.split(separator: ".") {
            guard case .object(let members) = value, let member = members[String(key)] else { return nil }
            value = member
        }
        return value
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [JSONTree] { if case .array(let elements) = self { elements } else { [] } }

    /// Nested objects for dotted keys, and values for lists of one value: what the vectors hold for equal.
    var normalized: JSONTree {
        switch self {
        case .array(let elements):
            return elements.count == 1 ? elements[0].normalized : .array(elements.map(\.normalized))
        case .object(let members):
            var result: [String: JSONTree] = [:]
            for (key, value) in members {
                let parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                result.merge(parts[...], value.normalized)
            }
            return .object(result)
        default: return self
        }
    }

    /// Where `actual` differs from this, `"*"` standing for any value that is not empty.
    func differences(from actual: JSONTree?, at path: String = "") -> [String] {
        if case .string("*") = self {
            switch actual {
            case nil, .string(""), .null, .array([]): return ["\(path): missing"]
            default: return []
            }
        }
        guard let actual else { return ["\(path): missing, expected \(self)"] }
        guard case .object(let expected) = self, case .object(let members) = actual else {
            if case .array(let left) = self, case .array(let right) = actual, left.count == right.count {
                return zip(left, right).flatMap { $0.differences(from: $1, at: path + "[]") }
            }
            return self == actual ? [] : ["\(path): \(actual), expected \(self)"]
        }
        let missing = expected.sorted { $0.key < $1.key }.flatMap { key, value in
            value.differences(from: members[key], at: path.isEmpty ? key : "\(path).\(key)")
        }
        let others = members.keys.filter { expected[$0] == nil }.sorted()
        return missing + others.map { "\(path).\($0): not expected: \(members[$0] ?? .null)" }
    }
}

extension [String: JSONTree] {
    fileprivate mutating func merge(_ path: ArraySlice<String>, _ value: JSONTree) {
        guard let key = path.first else { return }
        var value = value
        if path.count > 1 {
            var inner: [String: JSONTree] = [:]
            if case .object(let members) = self[key] { inner = members }
            inner.merge(path.dropFirst(), value)
            value = .object(inner)
        } else if case .object(let old) = self[key], case .object(let new) = value {
            var inner = old
            for (key, value) in new { inner.merge([key], value) }
            value = .object(inner)
        }
        self[key] = value
    }
}
