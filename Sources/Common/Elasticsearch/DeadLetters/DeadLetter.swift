/// One line of a dead-letter file.
///
///     {"@timestamp":…,"reason":…,"status":400,"error":{"type":…,"reason":…},"index":…,"id":…,"document":{…}}
///
/// A document that is not valid JSON stands as text under `document_text`. `"fallback":true` stands before the document
/// when a stripped one may have been stored in its place.
enum DeadLetter {
    /// Appends the document that `burial` names, with the line's end.
    ///
    /// - Parameter time: when it was given up.
    static func append(
        _ burial: BulkProgress.Burial,
        of batch: BulkBatch,
        at time: CalendarTime,
        to line: inout ByteBuffer
    ) {
        line.append(#"{"@timestamp":""# as StaticString)
        line.append(iso8601: CalendarTime(nanoseconds: time.nanoseconds / 1_000_000 * 1_000_000))
        line.append(#"","reason":"# as StaticString)
        line.append(jsonString: reason(burial))
        line.append(#","status":"# as StaticString)
        line.append(decimal: Int64(burial.status))
        line.append(#","error":{"type":"# as StaticString)
        line.append(jsonString: burial.type)
        line.append(#","reason":"# as StaticString)
        line.append(jsonString: burial.reason)
        line.append(UInt8(ascii: "}"))
        batch.bytes.withUnsafeBytes { bytes in
            let action = UnsafeRawBufferPointer(rebasing: bytes[batch.actionRange(burial.document)]).bytes
            line.append(#","index":"# as StaticString)
            // The one member is the action, whatever it is called.
            let operation = JSONLookup.text(action, ["index", "_index"]) == nil ? "create" : "index"
            line.append(jsonString: JSONLookup.text(action, [operation, "_index"]) ?? "")
            line.append(#","id":"# as StaticString)
            line.append(jsonString: JSONLookup.text(action, [operation, "_id"]) ?? "")
            // A replay sends those with a stripped document by `index`; refused again, they still have that.
            if burial.hasFallback || operation == "index" {
                line.append(#","fallback":true"# as StaticString)
            }
            let source = UnsafeRawBufferPointer(rebasing: bytes[batch.sourceRange(burial.document)]).bytes
            append(document: source, to: &line)
        }
        line.append("}\n" as StaticString)
    }

    private static func append(document: RawSpan, to line: inout ByteBuffer) {
        if isJSON(document) {
            line.append(#","document":"# as StaticString)
            line.append(document)
        } else {
            line.append(#","document_text":""# as StaticString)
            line.append(jsonEscaped: document, 0..<document.byteCount)
            line.append(UInt8(ascii: "\""))
        }
    }

    /// Whether the document may stand in the line as it is: one JSON value without a line's end inside.
    private static func isJSON(_ document: RawSpan) -> Bool {
        guard document.firstIndex(of: UInt8(ascii: "\n"), in: 0..<document.byteCount) == nil else {
            return false
        }
        var reader = JSONReader()
        do {
            _ = try reader.value(document)
            try reader.end(document)
            return true
        } catch {
            return false
        }
    }

    private static func reason(_ burial: BulkProgress.Burial) -> String {
        burial.status == 413
            ? "the document is too large for Elasticsearch"
            : "Elasticsearch can never store the document as it is"
    }
}
