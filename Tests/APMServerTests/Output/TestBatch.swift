import Common

@testable import APMServer

extension BulkBatch {
    /// A batch with a document for each id.
    static func of(_ ids: [String], padding: Int = 0) -> BulkBatch {
        let batch = BulkBatch()
        for id in ids { batch.add(id, padding: padding) }
        return batch
    }

    func add(_ id: String, padding: Int = 0) {
        append(
            index: Array("traces-apm-default".utf8).span.bytes,
            id: Array(id.utf8).span.bytes,
            document: Array(#"{"id":"\#(id)","p":"\#(String(repeating: "x", count: padding))"}"#.utf8).span
                .bytes
        )
    }

    /// The ids of its documents.
    var ids: [String] {
        (0..<documentCount).map { number in
            bytes.withUnsafeBytes { bytes in
                let action = UnsafeRawBufferPointer(rebasing: bytes[actionRange(number)])
                return JSONLookup.text(action.bytes, ["create", "_id"]) ?? ""
            }
        }
    }
}
