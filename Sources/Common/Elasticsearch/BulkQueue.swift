/// The state that senders and submitters share: batches that wait, servers, health.
///
/// Pure bookkeeping under the lock of `BulkIndexer`; time and chance are arguments.
struct BulkQueue {
    /// What a sender does next.
    enum Order {
        case send(BulkJob, host: Int)
        /// Write its dead letters; no server is needed.
        case bury(BulkJob)
        /// Prepare the store for the first document.
        case prepare(host: Int)
        case probe(host: Int)
        /// Ask for the store's nodes.
        case sniff(host: Int)
        /// The service stops.
        case end
    }

    /// What the batches of one lane do at the moment.
    private struct LaneLoad {
        var pendingBatches = 0
        /// Batches that a sender has taken out.
        var inWork = 0
    }

    private let maxPendingBytes: Int
    var hosts: ElasticsearchHosts
    /// Batches in work at a time, beyond the first of each lane.
    var concurrency: AdaptiveConcurrency
    /// When to ask for the store's nodes (monotonic nanoseconds); never while a sender is at it.
    var sniffAt: Int64
    var health = BulkHealth()
    var spare: [BulkBatch] = []
    /// To be told when a batch completes.
    var roomWaiters: [@Sendable () -> Void] = []
    var activeSenders = 0
    /// The store is set up.
    var isPrepared = true
    /// A sender is at it.
    var isPreparing = false
    /// Bulks insist that each name is a data stream.
    var requiresDataStreams = false
    /// The store has taken a bulk request of ours.
    var isProven = false
    /// No new batches; senders end at this moment, or when nothing more can be sent.
    var stopsAt: Int64?
    private(set) var pendingBytes = 0
    private(set) var pendingBatches = 0
    /// Batches not yet complete that had documents turned back.
    private var troubledBatches = 0
    /// Oldest first.
    private var waiting: [BulkJob] = []
    private var lanes: [ObjectIdentifier?: LaneLoad] = [:]
    private var inWork = 0

    init(
        hosts: ElasticsearchHosts,
        maxPendingBytes: Int,
        concurrency: Int = .max,
        isSniffing: Bool = false
    ) {
        self.hosts = hosts
        self.maxPendingBytes = maxPendingBytes
        self.concurrency = AdaptiveConcurrency(maximum: concurrency)
        sniffAt = isSniffing ? .min : .max
    }

    /// Whether a further batch of a lane that has one already is not taken.
    func isFull(for bytes: Int) -> Bool {
        pendingBytes >= maxPendingBytes || pendingBytes + bytes > maxPendingBytes
    }

    /// - Returns: false when the batch does not fit or the service stops.
    mutating func admit(_ job: BulkJob) -> Bool {
        guard stopsAt == nil else { return false }
        let isFirst = (lanes[job.laneID]?.pendingBatches ?? 0) == 0
        guard isFirst || pendingBytes + job.byteCount <= maxPendingBytes else { return false }
        lanes[job.laneID, default: LaneLoad()].pendingBatches += 1
        pendingBytes += job.byteCount
        pendingBatches += 1
        waiting.append(job)
        return true
    }

    /// Takes back a batch that needs another request.
    mutating func putBack(_ job: BulkJob) {
        leaveWork(job)
        waiting.insert(job, at: 0)
    }

    /// Notes that documents of this batch were turned back.
    mutating func trouble(_ job: BulkJob, isHeld: Bool, _ reason: String, now: CalendarTime) {
        health.raise(isHeld ? .held : .documents, .degraded, reason, now: now)
        guard !job.isTroubled else { return }
        job.isTroubled = true
        troubledBatches += 1
    }

    /// Notes that a batch in work holds fewer bytes than before.
    ///
    /// - Returns: whom to tell that there is room.
    mutating func shrunk(from before: Int, to after: Int) -> [@Sendable () -> Void] {
        pendingBytes -= before - after
        defer { roomWaiters = [] }
        return roomWaiters
    }

    /// Forgets a batch.
    ///
    /// - Returns: whom to tell that there is room.
    mutating func completed(_ job: BulkJob) -> [@Sendable () -> Void] {
        leaveWork(job)
        pendingBytes -= job.byteCount
        pendingBatches -= 1
        lanes[job.laneID, default: LaneLoad()].pendingBatches -= 1
        if lanes[job.laneID]?.pendingBatches == 0 { lanes[job.laneID] = nil }
        if job.isTroubled {
            troubledBatches -= 1
            if troubledBatches == 0 {
                health.clear(.documents)
                health.clear(.held)
            }
        }
        defer { roomWaiters = [] }
        return roomWaiters
    }

    /// Empties the queue for good.
    mutating func close() -> (left: [BulkJob], waiters: [@Sendable () -> Void]) {
        let left = waiting
        waiting = []
        pendingBytes = 0
        pendingBatches = 0
        lanes = [:]
        spare = []
        defer { roomWaiters = [] }
        return (left, roomWaiters)
    }

    /// What a sender that has nothing to do does next.
    mutating func next(now: Int64, random: Double) -> Monitor<BulkQueue>.Verdict<Order> {
        if let stopsAt, now >= stopsAt { return .proceed(.end) }
        if !isPrepared { return nextPreparing(now: now, random: random) }
        if let order = nextSniff(now: now, random: random) { return .proceed(order) }
        guard let index = waiting.firstIndex(where: { $0.readyAt <= now && mayStart($0) }) else {
            if stopsAt != nil { return .proceed(.end) }
            // What is ready already waits for a sender to finish, who then looks again.
            let ready = waiting.map(\.readyAt).filter { $0 > now }.min() ?? .max
            switch hosts.nextProbe(now: now) {
            case .probe(let host): return .proceed(.probe(host: host))
            case .wait(let moment):
                return .wait(until: min(moment, ready, sniffAt, now + Self.longestWait))
            case .send: fatalError("a probe was asked for")
            }
        }
        if waiting[index].progress.step == .bury { return .proceed(.bury(take(index))) }
        switch hosts.next(now: now, random: random) {
        case .send(let host):
            concurrency.began()
            return .proceed(.send(take(index), host: host))
        case .probe(let host): return stopsAt == nil ? .proceed(.probe(host: host)) : .proceed(.end)
        case .wait(let moment):
            guard stopsAt == nil else { return .proceed(.end) }
            return .wait(until: min(moment, sniffAt, now + Self.longestWait))
        }
    }

    /// Between two looks for a server that can be asked for nodes.
    private static let sniffPause: Int64 = 1_000_000_000

    /// What to do about nodes that are to be asked for; nil for nothing now.
    private mutating func nextSniff(now: Int64, random: Double) -> Order? {
        guard now >= sniffAt, stopsAt == nil else { return nil }
        sniffAt = now + Self.sniffPause
        switch hosts.next(now: now, random: random) {
        case .send(let host):
            sniffAt = .max
            return .sniff(host: host)
        case .probe(let host): return .probe(host: host)
        case .wait: return nil
        }
    }

    /// Whether a sender may take this batch now: the first of a lane always, further ones while few are in work.
    private func mayStart(_ job: BulkJob) -> Bool {
        inWork < concurrency.limit || (lanes[job.laneID]?.inWork ?? 0) == 0
    }

    private mutating func take(_ index: Int) -> BulkJob {
        let job = waiting.remove(at: index)
        inWork += 1
        lanes[job.laneID, default: LaneLoad()].inWork += 1
        return job
    }

    private mutating func leaveWork(_ job: BulkJob) {
        inWork -= 1
        lanes[job.laneID, default: LaneLoad()].inWork -= 1
    }

    /// A look at the clock at least this often keeps deadlines far in the future out of `timespec`.
    private static let longestWait: Int64 = 60_000_000_000

    private mutating func nextPreparing(now: Int64, random: Double) -> Monitor<BulkQueue>.Verdict<Order> {
        if stopsAt != nil { return .proceed(.end) }
        if isPreparing { return .wait(until: now + Self.longestWait) }
        switch hosts.next(now: now, random: random) {
        case .send(let host):
            isPreparing = true
            return .proceed(.prepare(host: host))
        case .probe(let host): return .proceed(.probe(host: host))
        case .wait(let moment): return .wait(until: min(moment, now + Self.longestWait))
        }
    }
}
