import Synchronization

/// Sends dead letters to the store again, segment by segment.
///
/// A segment is locked and read from its beginning; what the store now has is left out of the file that takes its place,
/// what it refuses again stays with the new reason. A replay that is killed has changed nothing of the segment it was
/// in: its letters are sent again next time, with their ids, and the store has each once.
final class DeadLetterReplay {
    /// What became of the letters so far.
    struct Progress: Equatable {
        var stored = 0
        /// The store had them already.
        var duplicates = 0
        var refused = 0
        /// Letters that cannot be sent as they are: no JSON object as a document, or no index.
        var unreadable = 0
        /// Letters that the filter does not name.
        var skipped = 0

        var sent: Int { stored + duplicates + refused }
    }

    /// The store settled nothing for a while; what was stored until then is removed from the segments.
    struct Interruption: CustomStringConvertible {
        let seconds: Int64
        /// What the store says.
        let reason: String

        var description: String {
            "Elasticsearch has settled nothing for \(seconds) s; what is left stays as it is"
                + (reason.isEmpty ? "" : " (\(reason))")
        }
    }

    private static let maxBatchEvents = 1000
    private static let maxBatchBytes = 4 << 20

    private let directory: DeadLetterDirectory
    private let filter: DeadLetterFilter
    private let timeout: Duration
    private let tell: (Progress, String) -> Void
    private let indexer: BulkIndexer
    /// Refused documents of the batch on its way, as letters.
    private let refusals: Refusals
    private(set) var progress = Progress()

    private final class Refusals: Sendable {
        private let lines = Mutex<[UInt8]>([])

        func add(_ burials: [BulkProgress.Burial], of batch: BulkBatch) {
            var buffer = ByteBuffer()
            for burial in burials { DeadLetter.append(burial, of: batch, at: Clock.now, to: &buffer) }
            let bytes = buffer.array
            lines.withLock { $0 += bytes }
        }

        func take() -> [UInt8] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    /// - Parameters:
    ///   - timeout: ends it when the store settles nothing for so long.
    ///   - tell: called about once a second with how far it is, and what is wrong with the store.
    init(
        _ directory: DeadLetterDirectory,
        _ filter: DeadLetterFilter,
        _ settings: ElasticsearchSettings,
        timeout: Duration,
        tell: @escaping (Progress, String) -> Void
    ) {
        self.directory = directory
        self.filter = filter
        self.timeout = timeout
        self.tell = tell
        let refusals = Refusals()
        self.refusals = refusals
        var settings = settings
        settings.concurrentRequests = 1
        settings.hasFallback = false
        indexer = BulkIndexer(settings, service: "replay", metrics: Metrics()) { batch, burials in
            refusals.add(burials, of: batch)
        }
    }

    /// - Parameter setup: templates and policies, as the service installs them.
    /// - Throws: what `BulkIndexer.start` throws, or `DeadLetterError`.
    /// - Returns: why it ended early; nil when it came to the end.
    func run(setup: ElasticsearchSetup) throws -> Interruption? {
        try indexer.start(setup: setup)
        defer { indexer.stop(within: .milliseconds(200)) }
        for segment in try directory.segments() where segment.byteCount > 0 {
            if let interruption = try replay(segment.path) { return interruption }
        }
        return nil
    }

    private func replay(_ path: String) throws(DeadLetterError) -> Interruption? {
        guard let locked = try LockedSegment.open(path, patience: DeadLetterPurge.patience),
            var reader = try DeadLetterReader.open(path, takesRest: true)
        else { return nil }
        var replacement = try DeadLetterReplacement(of: locked.path)
        var interruption: Interruption?
        var isEnded = false
        var isChanged = false
        while !isEnded, interruption == nil {
            var originals = ByteBuffer()
            let batch = indexer.emptyBatch()
            isEnded = try fill(batch, &originals, &reader, &replacement)
            guard !batch.isEmpty else { continue }
            interruption = send(batch)
            isChanged = isChanged || interruption == nil
            let refused = refusals.take()
            try replacement.append(lines: interruption == nil ? refused : originals.array)
        }
        guard isChanged else {
            try replacement.discard()
            return interruption
        }
        while try reader.advance() {
            try reader.withLine { (line) throws(DeadLetterError) in try replacement.append(line: line) }
        }
        try replacement.commit()
        return interruption
    }

    /// Fills a batch with the next letters that the filter names; all others are kept as they are.
    ///
    /// - Parameter originals: gets the lines of the batch's letters.
    /// - Returns: whether the segment has no more.
    private func fill(
        _ batch: BulkBatch,
        _ originals: inout ByteBuffer,
        _ reader: inout DeadLetterReader,
        _ replacement: inout DeadLetterReplacement
    ) throws(DeadLetterError) -> Bool {
        while batch.documentCount < Self.maxBatchEvents, batch.byteCount < Self.maxBatchBytes {
            guard try reader.advance() else { return true }
            try reader.withLine { (line) throws(DeadLetterError) in
                if append(line, to: batch) {
                    originals.append(line)
                    originals.append(UInt8(ascii: "\n"))
                } else {
                    try replacement.append(line: line)
                }
            }
        }
        return false
    }

    /// - Returns: false when the letter is not sent.
    private func append(_ line: RawSpan, to batch: BulkBatch) -> Bool {
        guard let entry = DeadLetterEntry(line) else {
            progress.unreadable += 1
            return false
        }
        guard filter.matches(entry) else {
            progress.skipped += 1
            return false
        }
        // Without an id, one that is the same in every replay of the same letter.
        let id = entry.id.isEmpty ? SipHash(key: 0, 0).hash(line, 0..<line.byteCount).text : entry.id
        let isAppended =
            entry.document.map { document in
                Array(entry.index.utf8).withUnsafeBytes { index in
                    Array(id.utf8).withUnsafeBytes { id in
                        batch.appendBounded(
                            index: index.bytes,
                            id: id.bytes,
                            operation: entry.hasFallback ? .index : .create
                        ) { $0.append(line, document) }
                    }
                }
            } ?? false
        guard isAppended, !entry.index.isEmpty else {
            if isAppended { batch.removeLast(1) }
            progress.unreadable += 1
            return false
        }
        return true
    }

    /// Waits until every document of a batch is stored or refused.
    private func send(_ batch: BulkBatch) -> Interruption? {
        let outcome = Monitor<BulkResult?>(nil)
        let started = Clock.monotonic
        guard indexer.submit(batch, completion: { result in outcome.change { $0 = result } }) else {
            return Interruption(seconds: 0, reason: "the batch was not taken")
        }
        while true {
            let tick = Clock.monotonic + 1_000_000_000
            let result = outcome.wait { result -> Monitor<BulkResult?>.Verdict<BulkResult?> in
                result != nil || Clock.monotonic >= tick ? .proceed(result) : .wait(until: tick)
            }
            if case .complete(let counts)? = result {
                progress.stored += counts.stored
                progress.duplicates += counts.duplicates
                progress.refused += counts.deadLetters
                tell(progress, "")
                return nil
            }
            let reason = indexer.health.worst(now: Clock.now)?.reason ?? ""
            tell(progress, reason)
            let waited = Clock.monotonic - started
            if result == .abandoned || waited >= timeout.nanoseconds {
                return Interruption(seconds: waited / 1_000_000_000, reason: reason)
            }
        }
    }
}

extension SipHash.Value {
    /// 32 hexadecimal digits.
    fileprivate var text: String {
        var buffer = ByteBuffer(capacity: 32)
        buffer.append(hexadecimal: high)
        buffer.append(hexadecimal: low)
        return buffer.text
    }
}
