import Testing

@testable import Common

/// A reference to the value under test, so that its mutating functions can stand inside `#expect`.
private final class Queue {
    private var value: BulkQueue

    init(concurrency: Int, maxPendingBytes: Int = 1000) {
        let servers = ["http://es"].compactMap { try? HTTPServerAddress($0) }
        value = BulkQueue(
            hosts: ElasticsearchHosts(servers),
            maxPendingBytes: maxPendingBytes,
            concurrency: concurrency
        )
    }

    func admit(_ job: BulkJob) -> Bool { value.admit(job) }
    func isFull(for bytes: Int) -> Bool { value.isFull(for: bytes) }
    func putBack(_ job: BulkJob) { value.putBack(job) }
    func completed(_ job: BulkJob) { _ = value.completed(job) }

    /// The job to send now; nil when there is none.
    func next(now: Int64 = 0) -> BulkJob? {
        guard case .proceed(.send(let job, _)) = value.next(now: now, random: 0) else { return nil }
        return job
    }

    /// When a sender without work looks again.
    func nextLook(now: Int64) -> Int64? {
        guard case .wait(let moment) = value.next(now: now, random: 0) else { return nil }
        return moment
    }
}

@Suite("Queue of bulks")
struct BulkQueueTests {
    private let slow: BulkLane
    private let quick: BulkLane

    init() {
        let metrics = Metrics()
        slow = BulkLane("slow", label: "pipeline", service: "test", metrics: metrics)
        quick = BulkLane("quick", label: "pipeline", service: "test", metrics: metrics)
    }

    private func job(_ lane: BulkLane?, bytes: Int = 10) -> BulkJob {
        let batch = BulkBatch()
        var text = ByteBuffer()
        text.append(Array(repeating: UInt8(ascii: "1"), count: bytes))
        text.withSpan { span in
            batch.append(index: span.extracting(0..<1), id: span.extracting(0..<0), document: span)
        }
        return BulkJob(batch, Backoff(), lane: lane, isReturned: false) { _ in }
    }

    @Test("the first batch of a lane does not wait for those of others, further ones do")
    func lanes() {
        let queue = Queue(concurrency: 2)
        let jobs = [slow, slow, slow, quick, quick].map { job($0) }
        for job in jobs { #expect(queue.admit(job)) }
        #expect(queue.next() === jobs[0])
        #expect(queue.next() === jobs[1])
        #expect(queue.next() === jobs[3], "past the third of the slow lane")
        #expect(queue.next() == nil)
        #expect(queue.nextLook(now: 5).map { $0 > 5 } == true, "nobody looks again and again")
        queue.completed(jobs[3])
        #expect(queue.next() === jobs[4])
        queue.putBack(jobs[0])
        #expect(queue.next() == nil, "two are in work")
        queue.completed(jobs[1])
        #expect(queue.next() === jobs[0])
    }

    @Test("a batch that rests leaves its place to others")
    func resting() {
        let queue = Queue(concurrency: 1)
        let jobs = [job(nil), job(nil)]
        for job in jobs { #expect(queue.admit(job)) }
        #expect(queue.next() === jobs[0])
        #expect(queue.next() == nil)
        jobs[0].readyAt = 100
        queue.putBack(jobs[0])
        #expect(queue.next() === jobs[1])
        queue.completed(jobs[1])
        #expect(queue.nextLook(now: 50) == 100)
        #expect(queue.next(now: 100) === jobs[0])
    }

    @Test("one batch of each lane is admitted, however much others hold")
    func admission() {
        let queue = Queue(concurrency: 1, maxPendingBytes: 100)
        let large = job(slow, bytes: 5000)
        #expect(queue.admit(large))
        #expect(!queue.admit(job(slow)))
        #expect(queue.admit(job(quick)))
        let second = job(quick, bytes: 60)
        #expect(!queue.admit(second))
        #expect(queue.next() === large)
        queue.completed(large)
        #expect(!queue.isFull(for: 0))
        // It asks again when another batch completes, not at once and again and again.
        #expect(!queue.admit(job(quick, bytes: 100)) && queue.isFull(for: 100))
        #expect(queue.admit(job(slow)))
    }
}
