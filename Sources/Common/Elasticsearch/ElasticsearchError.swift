/// The body of an answer that refuses a request: `{"error":{"type":…,"reason":…},"status":400}`.
enum ElasticsearchError {
    /// - Parameter maxBytes: of the reason.
    /// - Returns: type and reason; the text as it is (a proxy's page, say) when it is not of that shape.
    static func read(_ bytes: RawSpan, maxBytes: Int) -> (type: String, reason: String) {
        if let found = try? scan(bytes, maxBytes: maxBytes) { return found }
        return ("", bytes.text(0..<min(bytes.byteCount, maxBytes)))
    }

    private static func scan(
        _ bytes: RawSpan,
        maxBytes: Int
    ) throws(JSONError) -> (type: String, reason: String)? {
        var reader = JSONReader()
        var isFirst = true
        try reader.beginObject(bytes)
        while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
            guard bytes.equals("error", key.range) else {
                _ = try reader.value(bytes)
                continue
            }
            if try reader.kind(bytes) == .string {
                return ("", text(try reader.string(bytes), bytes, maxBytes))
            }
            return try details(bytes, &reader, maxBytes)
        }
        return nil
    }

    private static func details(
        _ bytes: RawSpan,
        _ reader: inout JSONReader,
        _ maxBytes: Int
    ) throws(JSONError) -> (type: String, reason: String) {
        var type = ""
        var reason = ""
        var isFirst = true
        try reader.beginObject(bytes)
        while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
            let isText = try reader.kind(bytes) == .string
            if isText, bytes.equals("type", key.range) {
                type = text(try reader.string(bytes), bytes, maxBytes)
            } else if isText, bytes.equals("reason", key.range) {
                reason = text(try reader.string(bytes), bytes, maxBytes)
            } else {
                _ = try reader.value(bytes)
            }
        }
        return (type, reason)
    }

    private static func text(_ text: JSONReader.Text, _ bytes: RawSpan, _ maxBytes: Int) -> String {
        var buffer = ByteBuffer()
        buffer.append(unescaped: text, of: bytes)
        buffer.truncate(to: min(buffer.count, maxBytes))
        return buffer.text
    }
}
