import Common
import Testing

@testable import APMServer

@Suite("Intake output")
struct IntakeOutputTests {
    @Test("counts documents that are too large and leaves them out", arguments: [false, true])
    func tooLarge(isHeld: Bool) {
        let held = TailBatch(documents: BulkBatch(), policies: TailPolicies([]))
        let output = IntakeOutput(
            batch: BulkBatch(),
            held: isHeld ? held : nil,
            rollUps: RollUpTables(),
            ids: DocumentIDs(start: 1, instance: 2),
            indexNames: IndexNames(isClassic: false, version: "")
        )
        func append(_ count: Int) {
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: count)
            let name = Array("traces-apm-default".utf8)
            let time = CalendarTime(seconds: 0)
            output.append(
                name.span.bytes,
                .span,
                time: time,
                holding: { batch, index, id in
                    batch.append(index: index, id: id, trace: name.span.bytes) { $0.append(text) }
                },
                { $0.append(text) }
            )
        }
        append(BulkBatch.maxDocumentBytes)
        #expect(output.refusedDocuments == 1 && output.batch.isEmpty && held.isEmpty)
        #expect(held.documents.byteCount == 0)
        append(5)
        #expect(output.refusedDocuments == 1)
        #expect(output.batch.documentCount == (isHeld ? 0 : 1))
        #expect(held.documents.documentCount == (isHeld ? 1 : 0) && held.events.count == (isHeld ? 1 : 0))
    }
}
