import Common

/// From JSON, and to JSON.
extension Record {
    /// Takes the fields of a JSON object, in place of all there were.
    func load(_ json: RawSpan) throws(JSONError) {
        reset()
        var reader = JSONReader()
        guard try reader.kind(json) == .object else { throw JSONError(.unexpectedByte, at: reader.offset) }
        try read(&reader, json, into: Self.root, depth: 0)
        try reader.end(json)
        loadedBytes = arena.count
    }

    /// Appends the document: all but `@metadata`, which is for pipelines only.
    func write(into output: inout ByteBuffer) {
        write(Self.root, into: &output)
    }

    /// Reads the next JSON value in place of what `node` holds.
    func read(_ reader: inout JSONReader, _ bytes: RawSpan, into node: Node, depth: Int)
        throws(JSONError)
    {
        guard depth < JSONReader.maxDepth, cells.count < Self.maxValues else {
            throw JSONError(.tooDeep, at: reader.offset)
        }
        let kind = try reader.kind(bytes)
        var isFirst = true
        switch kind {
        case .string:
            let text = try reader.string(bytes)
            write(node, .text) {
                if text.hasEscapes {
                    $0.append(unescaped: text, of: bytes)
                } else {
                    $0.append(bytes, text.range)
                }
            }
        case .object:
            write(node, .object) { _ in }
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                let member = newMember(of: node) {
                    if key.hasEscapes {
                        $0.append(unescaped: key, of: bytes)
                    } else {
                        $0.append(bytes, key.range)
                    }
                }
                try read(&reader, bytes, into: member, depth: depth + 1)
            }
        case .array:
            write(node, .list) { _ in }
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) {
                try read(&reader, bytes, into: newElement(of: node), depth: depth + 1)
            }
        case .number:
            let range = try reader.value(bytes)
            write(node, .number) { $0.append(bytes, range) }
        case .bool:
            let range = try reader.value(bytes)
            write(node, range.count == 4 ? .yes : .no) { $0.append(bytes, range) }
        case .null:
            _ = try reader.value(bytes)
            write(node, .null) { _ in }
        }
    }

    func write(_ node: Node, into output: inout ByteBuffer) {
        let cell = self[node]
        switch cell.kind {
        case .text:
            output.append(UInt8(ascii: "\""))
            arena.withSpan { output.append(jsonEscaped: $0, cell.start..<cell.end) }
            output.append(UInt8(ascii: "\""))
        case .number, .yes, .no:
            arena.withSpan { output.append($0, cell.start..<cell.end) }
        case .null: output.append("null" as StaticString)
        case .list, .object:
            let isObject = cell.kind == .object
            output.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
            var isFirst = true
            forEach(in: node) { key, child in
                if node == Self.root, isMetadata(key) { return true }
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                if isObject {
                    output.append(UInt8(ascii: "\""))
                    arena.withSpan { output.append(jsonEscaped: $0, key) }
                    output.append("\":" as StaticString)
                }
                write(child, into: &output)
                return true
            }
            output.append(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        }
    }

    private func isMetadata(_ key: Range<Int>) -> Bool {
        key.count == 9 && arena.withSpan { $0.equals("@metadata", key) }
    }
}
