import Common
import Glibc

/// Documents as lines of a file or of standard output, for debugging.
///
///     {"@metadata":{"_index":"nginx-2026.11.22","_id":"…"},"@timestamp":…}
///
/// A window is acknowledged once its lines are written, in a file once they are on the disk. A sender that repeats what
/// it got no ack for has its lines here twice, with the same `_id`.
final class LineOutput: DocumentOutput {
    private struct Job {
        let batch: BulkBatch
        let completion: @Sendable (BulkResult) -> Void
    }

    private struct Queue {
        var waiting: [Job] = []
        var pendingBytes = 0
        var roomWaiters: [@Sendable () -> Void] = []
        var health = BulkHealth()
        var stopsAt: Int64?
        var hasEnded = false
    }

    private let kind: OutputConfiguration.Kind
    private let maxPendingBytes: Int
    private let written: Counter
    private let queue = Monitor(Queue())
    private let thread = Monitor<Thread?>(nil)

    /// - Parameter kind: a file or standard output.
    init(_ kind: OutputConfiguration.Kind, maxPendingBytes: Int, metrics: Metrics) {
        self.kind = kind
        self.maxPendingBytes = maxPendingBytes
        written = metrics.counter(
            "ingest_output_documents_total",
            "Documents written to the file or standard output."
        )
    }

    func start(lanes: Int) throws {
        var target: LineTarget? = try LineTarget(kind)
        // Moves to the one thread that uses it.
        nonisolated(unsafe) var moved = target.take()
        let started = try Thread("output") { [self] in
            guard var target = moved.take() else { return }
            run(&target)
        }
        thread.change { $0 = started }
    }

    /// One thread writes for all.
    func addLanes(upTo count: Int) {}

    func emptyBatch() -> BulkBatch { BulkBatch() }

    func submit(
        _ batch: BulkBatch,
        lane: BulkLane,
        turnedBack _: @escaping BulkIndexer.TurnedBack,
        completion: @escaping @Sendable (BulkResult) -> Void
    ) -> Bool {
        queue.change { queue in
            guard queue.stopsAt == nil,
                queue.pendingBytes == 0 || queue.pendingBytes + batch.byteCount <= maxPendingBytes
            else { return false }
            queue.pendingBytes += batch.byteCount
            queue.waiting.append(Job(batch: batch, completion: completion))
            return true
        }
    }

    func whenRoom(for bytes: Int, _ wake: @escaping @Sendable () -> Void) {
        let isRoom = queue.change { queue in
            let isRoom = queue.pendingBytes == 0 || queue.pendingBytes + bytes <= maxPendingBytes
            if !isRoom { queue.roomWaiters.append(wake) }
            return isRoom
        }
        if isRoom { wake() }
    }

    var health: BulkHealth { queue.read { $0.health } }

    func housekeep() {}

    func stop(within limit: Duration) {
        let deadline = Clock.monotonic + limit.nanoseconds
        queue.change { $0.stopsAt = deadline }
        let started = thread.change { $0.take() }
        started?.join()
    }

    // MARK: - The writing thread

    private func run(_ target: inout LineTarget) {
        var delay = Backoff(initial: .milliseconds(100), maximum: .seconds(10))
        var lines = ByteBuffer(capacity: 1 << 20)
        while let jobs = takeAll() {
            lines.removeAll()
            for job in jobs { DocumentLine.append(job.batch, to: &lines) }
            var isWritten = false
            while !isWritten {
                isWritten = write(lines, &target)
                if isWritten {
                    delay.succeeded()
                } else if !rest(delay.failed(chance: Double.random(in: 0..<1))) {
                    break
                }
            }
            finish(jobs, isWritten: isWritten)
            lines.shrink(to: 8 << 20)
        }
    }

    /// All batches that wait, as soon as there are any; nil when the service stops and none is left.
    private func takeAll() -> [Job]? {
        queue.wait { queue in
            if !queue.waiting.isEmpty {
                defer { queue.waiting = [] }
                return .proceed(queue.waiting)
            }
            return queue.stopsAt == nil ? .wait(until: Clock.monotonic + 60_000_000_000) : .proceed(nil)
        }
    }

    private func write(_ lines: borrowing ByteBuffer, _ target: inout LineTarget) -> Bool {
        do {
            try target.append(lines)
            queue.update { _ = $0.health.clear(.store) }
            return true
        } catch {
            queue.update { $0.health.raise(.store, .down, "output: \(error)", now: Clock.now) }
            Log.limited(
                .error,
                key: "output",
                "documents cannot be written; they are kept and it is tried again",
                ["reason": "\(error)"]
            )
            return false
        }
    }

    /// - Returns: false when the service stops before the pause is over.
    private func rest(_ pause: Duration) -> Bool {
        let end = Clock.monotonic + pause.nanoseconds
        return queue.wait { queue in
            if let stopsAt = queue.stopsAt, stopsAt <= Clock.monotonic { return .proceed(false) }
            let now = Clock.monotonic
            return now >= end ? .proceed(true) : .wait(until: min(end, queue.stopsAt ?? end))
        }
    }

    private func finish(_ jobs: [Job], isWritten: Bool) {
        let waiters = queue.change { queue in
            queue.pendingBytes -= jobs.reduce(0) { $0 + $1.batch.byteCount }
            defer { queue.roomWaiters = [] }
            return queue.roomWaiters
        }
        for job in jobs {
            let count = job.batch.documentCount
            if isWritten { written.add(count) }
            job.completion(isWritten ? .complete(BulkCounts(stored: count)) : .abandoned)
        }
        for wake in waiters { wake() }
    }
}
