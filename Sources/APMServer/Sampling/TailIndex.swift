import Common

/// Which events of which traces are held, where they lie, and what is decided.
///
/// Pure bookkeeping: it reads no file and no clock. Times are seconds since 1970.
struct TailIndex {
    /// Where a record lies in the log.
    struct Location: Equatable {
        var segment: UInt32
        var offset: UInt32
        var length: UInt32
    }

    enum Verdict { case undecided, keep, drop }

    /// An event that is to be stored.
    struct Release: Equatable {
        let event: Int32
        let trace: TraceKey
    }

    private struct Event {
        var location: Location
        /// The next event of the trace, or the next free one; -1 for none.
        var next: Int32
        var isFree: Bool
    }

    private struct Trace {
        enum State { case open, keptRoot, droppedRoot, kept }

        var state = State.open
        var first: Int32 = -1
        var last: Int32 = -1
        /// Events not yet stored or dropped.
        var count = 0
        /// When its first event came.
        let since: Int64
    }

    private let interval: Int64
    private let ttl: Int64
    private var events: [Event] = []
    private var firstFree: Int32 = -1
    private var traces: [TraceKey: Trace] = [:]
    private var decisions: TailDecisions
    /// Traces with a root, by its time.
    private var roots = Fifo<(trace: TraceKey, time: Int64)>()
    private var releases = Fifo<Release>()
    private var retries: [Release] = []
    /// When traces were last looked through for those without a root.
    private var lastExpiry = Int64.min
    /// Traces that became complete, for the log.
    private var finished: [(trace: TraceKey, isKept: Bool)] = []
    /// Bytes of held events by segment.
    private(set) var liveBytes: [UInt32: Int] = [:]
    private(set) var eventCount = 0

    /// - Parameters:
    ///   - interval: seconds from the root to the decision.
    ///   - ttl: seconds that a trace waits for its root.
    init(interval: Int64, ttl: Int64) {
        self.interval = interval
        self.ttl = ttl
        decisions = TailDecisions(lifetime: ttl)
    }

    var traceCount: Int { traces.count }
    var decisionCount: Int { decisions.count }
    var hasReleases: Bool { !releases.isEmpty || !retries.isEmpty }

    func verdict(_ trace: TraceKey) -> Verdict {
        if let known = traces[trace] { return known.state == .kept ? .keep : .undecided }
        switch decisions.isKept(trace) {
        case true?: return .keep
        case false?: return .drop
        case nil: return .undecided
        }
    }

    // MARK: - Events come

    /// Takes an event that lies in the log.
    mutating func add(_ trace: TraceKey, _ role: TailBatch.Role, at location: Location, time: Int64) {
        let verdict = verdict(trace)
        guard verdict != .drop else { return }
        let event = allocate(location)
        if traces[trace] == nil {
            traces[trace] = Trace(since: time)
            if verdict == .keep { traces[trace]?.state = .kept }
        }
        guard var known = traces[trace] else { return }
        known.count += 1
        if verdict == .keep {
            releases.append(Release(event: event, trace: trace))
        } else {
            if known.last >= 0 { events[Int(known.last)].next = event } else { known.first = event }
            known.last = event
            if let isKept = role.isKept, known.state == .open {
                known.state = isKept ? .keptRoot : .droppedRoot
                roots.append((trace, time))
            }
        }
        traces[trace] = known
    }

    /// Takes note that a trace is stored although its root was not held: the rest of it shall be.
    mutating func keep(_ trace: TraceKey, now: Int64) {
        guard traces[trace] != nil else {
            decisions.remember(trace, isKept: true, now: now)
            return
        }
        conclude(trace, isKept: true, now: now)
    }

    /// Takes a decision of an earlier run, which has dealt with all events that came before.
    mutating func conclude(_ trace: TraceKey, wasKept: Bool, now: Int64) {
        if let known = traces.removeValue(forKey: trace) { _ = freeChain(known.first) }
        decisions.remember(trace, isKept: wasKept, now: now)
    }

    // MARK: - Time passes

    /// Decides on traces whose root came an interval ago.
    ///
    /// - Returns: how many events are to be stored, and how many were dropped.
    mutating func decide(now: Int64) -> (kept: Int, dropped: Int) {
        var (kept, dropped) = (0, 0)
        while let root = roots.first, Self.isOver(root.time, interval, now) {
            _ = roots.popFirst()
            guard let known = traces[root.trace] else { continue }
            switch known.state {
            case .keptRoot:
                kept += known.count
                conclude(root.trace, isKept: true, now: now)
            case .droppedRoot:
                dropped += known.count
                conclude(root.trace, isKept: false, now: now)
            case .open, .kept: break
            }
        }
        decisions.forget(now: now)
        return (kept, dropped)
    }

    /// Drops traces whose root did not come.
    ///
    /// - Returns: how many events that were.
    mutating func expire(now: Int64) -> Int {
        // Looking through all traces costs little when it is done seldom.
        guard Self.isOver(lastExpiry, max(ttl / 30, 1), now) else { return 0 }
        lastExpiry = now
        var count = 0
        for (trace, known) in traces where known.state == .open && Self.isOver(known.since, ttl, now) {
            count += freeChain(known.first)
            traces[trace] = nil
        }
        return count
    }

    /// Has everything stored: sampling was switched off.
    mutating func keepAll(now: Int64) {
        for trace in Array(traces.keys) { conclude(trace, isKept: true, now: now) }
    }

    /// Whether `seconds` have passed; a moment far in the future is one of a clock that was wrong.
    private static func isOver(_ time: Int64, _ seconds: Int64, _ now: Int64) -> Bool {
        time <= now - seconds || time > now + seconds
    }

    private mutating func conclude(_ trace: TraceKey, isKept: Bool, now: Int64) {
        guard var known = traces[trace], known.state != .kept else { return }
        guard isKept else {
            _ = freeChain(known.first)
            traces[trace] = nil
            decisions.remember(trace, isKept: false, now: now)
            finished.append((trace, false))
            return
        }
        var event = known.first
        while event >= 0 {
            releases.append(Release(event: event, trace: trace))
            event = events[Int(event)].next
        }
        known.state = .kept
        known.first = -1
        known.last = -1
        traces[trace] = known
    }

    // MARK: - Events leave

    /// The next event to be stored.
    mutating func nextRelease() -> Release? { retries.popLast() ?? releases.popFirst() }

    /// The location of an event, which compaction may have changed.
    func location(_ event: Int32) -> Location { events[Int(event)].location }

    /// Events that could not be stored are to be stored again.
    mutating func retry(_ releases: [Release]) { retries += releases.reversed() }

    /// An event is stored, or can never be.
    mutating func settled(_ release: Release, now: Int64) {
        let trace = release.trace
        free(release.event)
        guard var known = traces[trace] else { return }
        known.count -= 1
        traces[trace] = known.count > 0 ? known : nil
        guard known.count == 0 else { return }
        decisions.remember(trace, isKept: true, now: now)
        finished.append((trace, true))
    }

    /// Traces that were stored or dropped as a whole since the last call.
    mutating func takeFinished() -> [(trace: TraceKey, isKept: Bool)] {
        defer { finished = [] }
        return finished
    }

    // MARK: - Memory

    /// Events that lie in any of `segments`.
    func events(in segments: Set<UInt32>) -> [Int32] {
        events.indices.filter { !events[$0].isFree && segments.contains(events[$0].location.segment) }
            .map { Int32($0) }
    }

    /// An event's record was copied.
    mutating func move(_ event: Int32, to location: Location) {
        count(events[Int(event)].location, -1)
        events[Int(event)].location = location
        count(location, 1)
    }

    private mutating func allocate(_ location: Location) -> Int32 {
        count(location, 1)
        eventCount += 1
        let event = Event(location: location, next: -1, isFree: false)
        guard firstFree >= 0 else {
            events.append(event)
            return Int32(events.count - 1)
        }
        let row = firstFree
        firstFree = events[Int(row)].next
        events[Int(row)] = event
        return row
    }

    private mutating func free(_ event: Int32) {
        count(events[Int(event)].location, -1)
        eventCount -= 1
        events[Int(event)].isFree = true
        events[Int(event)].next = firstFree
        firstFree = event
    }

    private mutating func freeChain(_ first: Int32) -> Int {
        var (event, count) = (first, 0)
        while event >= 0 {
            let next = events[Int(event)].next
            free(event)
            event = next
            count += 1
        }
        return count
    }

    private mutating func count(_ location: Location, _ sign: Int) {
        let bytes = (liveBytes[location.segment] ?? 0) + sign * Int(location.length)
        liveBytes[location.segment] = bytes == 0 ? nil : bytes
    }
}
