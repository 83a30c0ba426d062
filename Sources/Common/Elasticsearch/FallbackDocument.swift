/// What is stored of a document that its fields keep out of the store: the line, where it comes from, and why.
///
/// The original stays a dead letter; this keeps the line searchable under the same index and id.
enum FallbackDocument {
    /// Mapping conflicts and too many fields, by Elasticsearch's and OpenSearch's names.
    private static let types: Set = [
        "document_parsing_exception", "mapper_parsing_exception", "illegal_argument_exception",
        "strict_dynamic_mapping_exception",
    ]
    /// Of the line and of the reason: enough to find it by.
    private static let maxTextBytes = 32 << 10

    /// Whether the store may take the document without the fields that it refuses.
    static func isWorthTrying(_ burial: BulkProgress.Burial) -> Bool {
        burial.status == 400 && types.contains(burial.type)
    }

    /// Adds the stripped document to the end of the batch.
    ///
    /// - Returns: false when the batch has no room for it, or the document names no index.
    static func append(for burial: BulkProgress.Burial, to batch: BulkBatch) -> Bool {
        var document = ByteBuffer(capacity: 1024)
        let (index, id) = batch.bytes.withSpan { bytes in
            let action = bytes.extracting(batch.actionRange(burial.document))
            write(
                bytes.extracting(batch.sourceRange(burial.document)),
                "\(burial.type): \(burial.reason)",
                &document
            )
            return (
                JSONLookup.text(action, ["create", "_index"]) ?? "",
                JSONLookup.text(action, ["create", "_id"]) ?? ""
            )
        }
        guard !index.isEmpty, !id.isEmpty else { return false }
        return Array(index.utf8).withUnsafeBytes { index in
            Array(id.utf8).withUnsafeBytes { id in
                batch.appendBounded(index: index.bytes, id: id.bytes) { $0.append(document) }
            }
        }
    }

    private static func write(_ source: RawSpan, _ reason: String, _ output: inout ByteBuffer) {
        output.append("{")
        copy(["@timestamp"], "\"@timestamp\":", source, &output)
        output.append(#""error":{"message":"#)
        output.append(jsonString: cut(reason))
        output.append(#"},"tags":["_dead_letter"]"#)
        member("message", text(source, ["message"]), &output)
        object(
            "event",
            [("original", ["event", "original"]), ("dataset", ["event", "dataset"])],
            source,
            &output
        )
        object("host", [("name", ["host", "name"])], source, &output)
        if let path = text(source, ["log", "file", "path"]) {
            output.append(#","log":{"file":{"path":"#)
            output.append(jsonString: path)
            output.append("}")
            if let offset = JSONLookup.integer(source, ["log", "offset"]) {
                output.append(#","offset":\#(offset)"#)
            }
            output.append("}")
        }
        output.append("}")
    }

    /// Copies a text member as it is, with a comma behind it.
    private static func copy(
        _ path: [String],
        _ opening: String,
        _ source: RawSpan,
        _ output: inout ByteBuffer
    ) {
        guard let range = JSONLookup.range(source, path), source[range.lowerBound] == UInt8(ascii: "\"")
        else { return }
        output.append(opening)
        output.append(source, range)
        output.append(",")
    }

    private static func object(
        _ name: String,
        _ members: [(name: String, path: [String])],
        _ source: RawSpan,
        _ output: inout ByteBuffer
    ) {
        let texts = members.compactMap { member in text(source, member.path).map { (member.name, $0) } }
        guard !texts.isEmpty else { return }
        output.append(",\"\(name)\":{")
        for (number, (name, text)) in texts.enumerated() {
            output.append(number > 0 ? ",\"\(name)\":" : "\"\(name)\":")
            output.append(jsonString: text)
        }
        output.append("}")
    }

    private static func member(_ name: String, _ text: String?, _ output: inout ByteBuffer) {
        guard let text else { return }
        output.append(",\"\(name)\":")
        output.append(jsonString: text)
    }

    private static func text(_ source: RawSpan, _ path: [String]) -> String? {
        JSONLookup.text(source, path).map(cut)
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maxTextBytes
            ? text : String(decoding: text.utf8.prefix(maxTextBytes), as: UTF8.self)
    }
}
