/// Finds single values in JSON text, for set-up and not for hot paths.
package enum JSONLookup {
    /// The value below `path`, a list of keys; an array on the way stands for its first element.
    ///
    /// - Returns: nil when there is none, or the text is no JSON.
    package static func range(_ bytes: RawSpan, _ path: [String]) -> Range<Int>? {
        var reader = JSONReader()
        return try? find(bytes, path[...], &reader)
    }

    /// The string below `path`.
    package static func text(_ bytes: RawSpan, _ path: [String]) -> String? {
        guard let range = range(bytes, path), range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\"")
        else {
            return nil
        }
        var reader = JSONReader(offset: range.lowerBound)
        guard let text = try? reader.string(bytes) else { return nil }
        var buffer = ByteBuffer()
        buffer.append(unescaped: text, of: bytes)
        return buffer.text
    }

    /// The integer below `path`.
    package static func integer(_ bytes: RawSpan, _ path: [String]) -> Int? {
        range(bytes, path).flatMap { Decimal.integer(bytes, $0) }.map(Int.init)
    }

    private static func find(
        _ bytes: RawSpan,
        _ path: ArraySlice<String>,
        _ reader: inout JSONReader
    ) throws(JSONError) -> Range<Int>? {
        guard let wanted = path.first else { return try reader.value(bytes) }
        var isFirst = true
        switch try reader.kind(bytes) {
        case .array:
            try reader.beginArray(bytes)
            return try reader.nextElement(bytes, isFirst: &isFirst) ? find(bytes, path, &reader) : nil
        case .object:
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                if bytes.text(key.range) == wanted { return try find(bytes, path.dropFirst(), &reader) }
                _ = try reader.value(bytes)
            }
            return nil
        default: return nil
        }
    }
}
