import Common
import Synchronization

/// Tail-based sampling: holds transactions and spans until their trace's root has been seen, then stores the
/// whole trace or drops it.
///
/// Nothing of this exists when sampling is off. One thread; workers never wait for it. It stops after the
/// workers and before delivery; what is held then waits on the disk for the next start.
final class TailSampler: Sendable {
    private struct Shared {
        var submissions: [TailLoop.Submission] = []
        var pendingBytes = 0
        var outcomes: [(ticket: TailLoop.Ticket, outcome: Delivery.Outcome)] = []
        /// Monotonic nanoseconds; set when the service stops.
        var stopsAt: Int64?
        var thread: Thread?
    }

    /// Batches that wait for the disk; more are refused, as by a full spool.
    private static let maxPendingBytes = 64 << 20

    private let policies: TailPolicies
    private let sink: DocumentSink
    private let shared = Monitor(Shared())
    /// Until `start`, which gives it to the thread.
    private let prepared: Mutex<TailLoop?>

    /// Reads what an earlier run held.
    ///
    /// - Parameter directory: of the files of held events; nothing else may be in it.
    /// - Throws: when it cannot be read or written.
    init(_ configuration: TailConfiguration, directory: String, sink: DocumentSink, metrics: Metrics) throws {
        policies = TailPolicies(configuration.policies)
        self.sink = sink
        prepared = Mutex(
            try TailLoop(
                configuration,
                directory: directory,
                sink: sink,
                metrics: TailMetrics(metrics),
                now: Clock.now.seconds
            )
        )
    }

    /// A sampler if one is needed: sampling is on, or an earlier run, when it was on, left events.
    ///
    /// Those are all stored. Workers fill batches only while sampling is on.
    static func ifNeeded(
        _ configuration: TailConfiguration,
        directory: String,
        sink: DocumentSink,
        metrics: Metrics
    ) throws -> TailSampler? {
        guard configuration.isEnabled || TailLog.exists(in: directory) else { return nil }
        return try TailSampler(configuration, directory: directory, sink: sink, metrics: metrics)
    }

    /// An empty batch to fill.
    func emptyBatch() -> TailBatch { TailBatch(documents: sink.emptyBatch(), policies: policies) }

    /// Takes a batch over; never blocks.
    ///
    /// `completion` is called exactly once, on another thread or at once: `kept` means that every event is on
    /// the disk, or dropped by a policy.
    func submit(_ batch: TailBatch, completion: @escaping @Sendable (Delivery.Outcome) -> Void) {
        guard !batch.isEmpty else { return completion(.kept) }
        let isTaken = shared.change { shared in
            guard shared.stopsAt == nil, shared.pendingBytes < Self.maxPendingBytes else { return false }
            shared.pendingBytes += batch.documents.byteCount
            shared.submissions.append(.init(batch: batch, completion: completion))
            return true
        }
        if !isTaken { completion(.refused) }
    }

    /// - Throws: when the system has no thread to give.
    func start() throws(Errno) {
        let thread = try Thread("tail-sampling") { [self] in run() }
        shared.change { $0.thread = thread }
    }

    /// Holds what was submitted, waits for bulks on their way, at most for `limit`, and ends.
    func stop(within limit: Duration) {
        let thread = shared.change { shared in
            shared.stopsAt = Clock.monotonic + limit.nanoseconds
            defer { shared.thread = nil }
            return shared.thread
        }
        thread?.join()
    }

    private func run() {
        guard let loop = prepared.withLock({ $0.take() }) else { return }
        var tickAt = Int64.min
        var isStopping = false
        while true {
            let work = wait(until: tickAt, isStopping: isStopping)
            let now = Clock.now.seconds
            let monotonic = Clock.monotonic
            for (ticket, outcome) in work.outcomes {
                loop.settle(ticket, outcome, now: now, monotonic: monotonic)
            }
            if !work.submissions.isEmpty { loop.take(work.submissions, now: now) }
            if let stopsAt = work.stopsAt {
                guard loop.isInFlight, monotonic < stopsAt else { return }
                isStopping = true
                tickAt = stopsAt
                continue
            }
            if monotonic >= tickAt {
                loop.tick(now: now)
                tickAt = loop.nextMoment(monotonic)
            } else if !work.submissions.isEmpty {
                tickAt = min(tickAt, loop.nextMoment(monotonic))
            }
            while let (ticket, batch) = loop.nextBulk(now: now, monotonic: monotonic) {
                sink.submit(batch) { [shared] outcome in
                    shared.change { $0.outcomes.append((ticket, outcome)) }
                }
            }
        }
    }

    private func wait(until moment: Int64, isStopping: Bool) -> Shared {
        shared.wait { shared in
            let isWork = !shared.submissions.isEmpty || !shared.outcomes.isEmpty
            let isStop = shared.stopsAt != nil && !isStopping
            guard isWork || isStop || Clock.monotonic >= moment else { return .wait(until: moment) }
            let work = shared
            shared.submissions = []
            shared.outcomes = []
            shared.pendingBytes = 0
            return .proceed(work)
        }
    }
}
