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

    @Test("takes single documents of another batch, both lines of each")
    func documentsOfAnother() {
        let (whole, part) = (BulkBatch(), BulkBatch())
        for text in [#"{"n":0}"#, #"{"n":11}"#, #"{"n":222}"#] {
            whole.append(
                index: Array("i".utf8).span.bytes,
                id: [UInt8]().span.bytes,
                document: Array(text.utf8).span.bytes
            )
        }
        for document in [0, 2] { part.append(document, of: whole) }
        #expect(part.documentCount == 2)
        #expect(part.bytes.text.split(separator: "\n").count == 4)
        part.bytes.withSpan { bytes in
            #expect(bytes.text(part.sourceRange(1)) == #"{"n":222}"#)
            #expect(bytes.text(part.actionRange(1)) == #"{"create":{"_index":"i"}}"#)
        }
    }

    @Test("leaves out what is too large, for itself or for the batch")
    func tooLarge() {
        let batch = BulkBatch()
        func append(_ count: Int) -> Bool {
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: count)
            return batch.appendBounded(index: Array("i".utf8).span.bytes, id: [UInt8]().span.bytes) {
                $0.append(text)
            }
        }
        let action = #"{"create":{"_index":"i"}}"#.utf8.count + 1
        let most = BulkBatch.maxDocumentBytes - action - 1
        #expect(!append(most + 1) && batch.isEmpty && batch.byteCount == 0)
        #expect(append(most) && batch.byteCount == BulkBatch.maxDocumentBytes)
        #expect(!append(most) && append(5) && batch.documentCount == 2)
        batch.bytes.withSpan { #expect($0.text(batch.sourceRange(1)) == "xxxxx") }
    }

    @Test(
        "takes the bytes of another batch, or none of them",
        arguments: [
            ("a\nb\n", 1, true), ("a\nb\nc\nd\n", 2, true), ("a\n\n", 1, true),
            ("a\nb\n", 2, false), ("a\nb\nc\nd\n", 1, false), ("a\nb", 1, false), ("a\nb\nc\n", 1, false),
        ] as [(String, Int, Bool)]
    )
    func copies(text: String, documents: Int, isTaken: Bool) {
        let batch = BulkBatch()
        batch.append(index: Array("i".utf8).span.bytes, id: Array("1".utf8).span.bytes) {
            $0.append("{}" as StaticString)
        }
        let before = batch.byteCount
        let bytes = Array(text.utf8)
        let result = batch.append(documents: documents, length: bytes.count) { $0.copyBytes(from: bytes) }
        #expect(result == isTaken)
        #expect(batch.documentCount == (isTaken ? 1 + documents : 1))
        #expect(batch.byteCount == (isTaken ? before + bytes.count : before))
        if isTaken { batch.bytes.withSpan { #expect($0.text(batch.range(1)).hasPrefix("a\n")) } }
        batch.removeLast(batch.documentCount - 1)
        #expect(batch.byteCount == before && batch.documentCount == 1)
        #expect(throws: Refusal.self) {
            try batch.append(documents: 1, length: 9) { _ throws(Refusal) in throw Refusal() }
        }
        #expect(batch.byteCount == before)
    }
}
