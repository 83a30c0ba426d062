import Common

/// A document of a batch as one line, with the names that a bulk request has in its action.
enum DocumentLine {
    /// Appends all documents of a batch.
    static func append(_ batch: BulkBatch, to lines: inout ByteBuffer) {
        batch.bytes.withSpan { bytes in
            for number in 0..<batch.documentCount {
                let action = bytes.extracting(batch.actionRange(number))
                lines.append(#"{"@metadata":"# as StaticString)
                // `{"create":{"_index":…,"_id":…}}`: the one value is what is wanted.
                if let names = JSONLookup.range(action, ["create"]) { lines.append(action, names) }
                let source = batch.sourceRange(number)
                let members = source.lowerBound + 1..<source.upperBound
                lines.append(members.count > 1 ? "," : "")
                lines.append(bytes, members)
                lines.append(UInt8(ascii: "\n"))
            }
        }
    }
}
