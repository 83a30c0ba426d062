import Testing

@testable import Common

@Suite("Job of a bulk")
struct BulkJobTests {
    /// A job of documents 0, 11, 22 and so on.
    private func job(documents: Int, isReturned: Bool = false) -> BulkJob {
        let batch = BulkBatch()
        for number in 0..<documents {
            batch.append(
                index: Array("i".utf8).span.bytes,
                id: [UInt8]().span.bytes,
                document: Array("\(number)\(number)".utf8).span.bytes
            )
        }
        return BulkJob(batch, Backoff(), isReturned: isReturned) { _ in }
    }

    /// Answers its part: the documents at `retried` are turned back.
    private func answer(_ job: BulkJob, retried: Set<Int>) {
        for position in job.progress.part.indices {
            job.progress.item(position, retried.contains(position) ? .retry : .stored, status: 429) {
                ("", "")
            }
        }
        job.progress.itemsEnded()
        job.progress.resumed()
    }

    @Test("gives back the memory of what is safe, and still knows its documents by their numbers")
    func shrinks() throws {
        let job = job(documents: 8)
        let (batch, bytes) = (job.batch, job.byteCount)
        answer(job, retried: [1, 3, 4, 5, 6, 7])
        #expect(job.shrink(into: { BulkBatch() }) == nil, "too much is left")
        answer(job, retried: [1, 3, 5])
        #expect(job.waiting == [3, 5, 7])
        #expect(job.shrink(into: { BulkBatch() }) === batch)
        #expect(job.waiting == [3, 5, 7] && job.progress.part == [0, 1, 2])
        #expect(job.byteCount == bytes * 3 / 8 && job.batch.byteCount == job.byteCount)
        answer(job, retried: [1])
        #expect(job.shrink(into: { BulkBatch() }) != nil)
        #expect(job.waiting == [5])
        job.batch.bytes.withSpan { bytes in #expect(bytes.text(job.batch.sourceRange(0)) == "55") }
        answer(job, retried: [])
        #expect(job.progress.step == .done)
        #expect(job.counts == BulkCounts(stored: 8))
    }

    @Test("a batch that its submitter gets back stays whole")
    func returned() {
        let job = job(documents: 4, isReturned: true)
        answer(job, retried: [0])
        #expect(job.shrink(into: { BulkBatch() }) == nil)
        #expect(job.batch.documentCount == 4)
    }
}
