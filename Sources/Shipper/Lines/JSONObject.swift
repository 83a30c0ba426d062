import Common

/// A JSON object taken apart, for merging with another.
///
/// Only objects are taken apart; any other value stays the text it was, so numbers keep their digits. Of a key that
/// comes twice the last value counts, and members that are null are left out: to a store they are absent.
struct JSONObject {
    indirect enum Value {
        /// JSON as it stood.
        case text([UInt8])
        case object(JSONObject)
    }

    /// In their order; keys without escapes.
    private(set) var members: [(key: [UInt8], value: Value)] = []
    /// Of objects with many members: where each key is.
    private var places: [[UInt8]: Int] = [:]

    private static let indexedFrom = 16

    init() {}

    /// Reads a whole text that is one object.
    ///
    /// - Parameter expandsKeys: `{"a.b":1}` becomes `{"a":{"b":1}}`, merged with an `a` that is there.
    init(_ text: RawSpan, expandsKeys: Bool) throws(JSONError) {
        var reader = JSONReader()
        self = try Self.read(&reader, text, expandsKeys: expandsKeys, depth: 0)
        try reader.end(text)
    }

    private static func read(
        _ reader: inout JSONReader,
        _ text: RawSpan,
        expandsKeys: Bool,
        depth: Int
    ) throws(JSONError) -> JSONObject {
        guard depth < JSONReader.maxDepth else { throw JSONError(.tooDeep, at: reader.offset) }
        var object = JSONObject()
        try reader.beginObject(text)
        var isFirst = true
        while let name = try reader.nextKey(text, isFirst: &isFirst) {
            var key = ByteBuffer(capacity: name.range.count)
            key.append(unescaped: name, of: text)
            let value: Value
            switch try reader.kind(text) {
            case .object:
                value = .object(try read(&reader, text, expandsKeys: expandsKeys, depth: depth + 1))
            case .null:
                _ = try reader.value(text, depth: depth)
                continue
            case .array, .string, .number, .bool:
                value = .text(Array(text, try reader.value(text, depth: depth)))
            }
            if expandsKeys {
                object.expand(key.array[...], value, depth: depth)
            } else {
                object.set(key.array, value)
            }
        }
        return object
    }

    subscript(key: [UInt8]) -> Value? { place(key).map { members[$0].value } }
    subscript(key: StaticString) -> Value? { self[Array(key)] }

    /// Adds a member, or replaces the value of one.
    mutating func set(_ key: [UInt8], _ value: Value) {
        if let place = place(key) {
            members[place].value = value
            return
        }
        members.append((key, value))
        if members.count == Self.indexedFrom {
            for (index, member) in members.enumerated() { places[member.key] = index }
        } else if members.count > Self.indexedFrom {
            places[key] = members.count - 1
        }
    }

    mutating func set(_ key: StaticString, _ value: Value) { set(Array(key), value) }

    mutating func remove(_ key: StaticString) {
        members.removeAll { $0.key == Array(key) }
        places.removeAll()
        guard members.count >= Self.indexedFrom else { return }
        for (index, member) in members.enumerated() { places[member.key] = index }
    }

    /// Takes the members of another object in, objects merged with objects; of two other values this object's stays,
    /// unless `overwrites`.
    mutating func merge(_ other: JSONObject, overwrites: Bool) {
        for (key, value) in other.members {
            switch (self[key], value) {
            case (nil, _): set(key, value)
            case (.object(var mine)?, .object(let its)):
                mine.merge(its, overwrites: overwrites)
                set(key, .object(mine))
            case (_?, _): if overwrites { set(key, value) }
            }
        }
    }

    /// Appends the object as JSON.
    func append(to text: inout ByteBuffer) {
        text.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "\""))
            text.append(jsonEscaped: member.key.span.bytes, 0..<member.key.count)
            text.append("\":" as StaticString)
            switch member.value {
            case .text(let json): text.append(json)
            case .object(let object): object.append(to: &text)
            }
        }
        text.append(UInt8(ascii: "}"))
    }

    private func place(_ key: [UInt8]) -> Int? {
        members.count >= Self.indexedFrom ? places[key] : members.firstIndex { $0.key == key }
    }

    /// Sets `value` at a path of names between dots; what is at the path already is merged with it or replaced.
    private mutating func expand(_ path: ArraySlice<UInt8>, _ value: Value, depth: Int) {
        let isPath = depth < JSONReader.maxDepth && path.first != UInt8(ascii: ".")
        guard isPath, let dot = path.firstIndex(of: UInt8(ascii: ".")), dot + 1 < path.endIndex else {
            let key = Array(path)
            if case .object(var mine)? = self[key], case .object(let its) = value {
                mine.merge(its, overwrites: true)
                set(key, .object(mine))
            } else {
                set(key, value)
            }
            return
        }
        let key = Array(path[..<dot])
        var inner = JSONObject()
        if case .object(let known)? = self[key] { inner = known }
        inner.expand(path[(dot + 1)...], value, depth: depth + 1)
        set(key, .object(inner))
    }
}

extension JSONObject.Value {
    /// A string's value; nil for anything else.
    var string: [UInt8]? {
        guard case .text(let json) = self, json.count >= 2, json[0] == UInt8(ascii: "\"") else { return nil }
        var text = ByteBuffer(capacity: json.count)
        text.append(
            unescaped: JSONReader.Text(
                range: 1..<json.count - 1,
                hasEscapes: json.contains(UInt8(ascii: "\\"))
            ),
            of: json.span.bytes
        )
        return text.array
    }

    static func string(_ text: RawSpan) -> JSONObject.Value {
        var json = ByteBuffer(capacity: text.byteCount + 16)
        json.append(UInt8(ascii: "\""))
        json.append(jsonEscaped: text, 0..<text.byteCount)
        json.append(UInt8(ascii: "\""))
        return .text(json.array)
    }
}

extension Array<UInt8> {
    /// The bytes of `text[range]`.
    fileprivate init(_ text: RawSpan, _ range: Range<Int>) {
        self = text.withUnsafeBytes { Array($0[range]) }
    }

    fileprivate init(_ text: StaticString) {
        self.init(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
