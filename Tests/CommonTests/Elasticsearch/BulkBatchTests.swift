import Common
import Testing

@Suite("Bulk batch")
struct BulkBatchTests {
    private struct Refusal: Error {}

    @Test("holds an action line and a source line for each document")
    func lines() {
        let batch = BulkBatch()
        batch.append(
            index: Array("nginx-2026.11.22".utf8).span.bytes,
            id: Array("x\"1".utf8).span.bytes,
            document: Array(#"{"a":1}"#.utf8).span.bytes
        )
        #expect(throws: Refusal.self) {
            try batch.append(index: Array("i".utf8).span.bytes, id: [UInt8]().span.bytes) { bytes in
                bytes.append("{" as StaticString)
                throw Refusal()
            }
        }
        batch.append(index: Array("i".utf8).span.bytes, id: [UInt8]().span.bytes) {
            $0.append("{}" as StaticString)
        }
        #expect(
            batch.bytes.text == """
                {"create":{"_index":"nginx-2026.11.22","_id":"x\\"1"}}
                {"a":1}
                {"create":{"_index":"i"}}
                {}

                """
        )
        #expect(batch.documentCount == 2)
        batch.bytes.withSpan { bytes in
            #expect(bytes.text(batch.sourceRange(0)) == #"{"a":1}"#)
            #expect(bytes.text(batch.actionRange(1)) == #"{"create":{"_index":"i"}}"#)
            #expect(bytes.text(batch.range(1)) == "{\"create\":{\"_index\":\"i\"}}\n{}\n")
        }
        batch.removeAll()
        #expect(batch.isEmpty && batch.byteCount == 0)
    }
}
