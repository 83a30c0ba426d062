/// What became of documents that are safe.
package struct BulkCounts: Equatable, Sendable {
    package var stored: Int
    package var duplicates: Int
    package var deadLetters: Int

    package init(stored: Int = 0, duplicates: Int = 0, deadLetters: Int = 0) {
        self.stored = stored
        self.duplicates = duplicates
        self.deadLetters = deadLetters
    }

    /// What has come to `before`.
    package static func - (counts: Self, before: Self) -> Self {
        Self(
            stored: counts.stored - before.stored,
            duplicates: counts.duplicates - before.duplicates,
            deadLetters: counts.deadLetters - before.deadLetters
        )
    }
}

/// A batch of which the store took or refused some documents and turned others back.
package struct BulkRemainder: Equatable, Sendable {
    /// The documents that are not safe yet, ascending, numbered as they were submitted.
    package let waiting: [Int]
    /// Of the documents that are still held.
    package let bytes: Int
    /// What became of the others.
    package let counts: BulkCounts

    package init(waiting: [Int], bytes: Int, counts: BulkCounts) {
        self.waiting = waiting
        self.bytes = bytes
        self.counts = counts
    }
}

/// What became of a batch, told exactly once.
package enum BulkResult: Equatable, Sendable {
    /// Every document is in the store or in the dead-letter file.
    case complete(BulkCounts)
    /// The service stopped first: nothing may be acknowledged, whoever sent the events sends them again.
    case abandoned
}

/// A batch on its way, with the progress made so far.
///
/// Belongs to the queue of `BulkIndexer` or to the one sender that took it out.
final class BulkJob: @unchecked Sendable {
    // Sendable is true because of that one owner; the queue's lock hands it over.
    private(set) var batch: BulkBatch
    private(set) var byteCount: Int
    /// nil for the lane of all who name none.
    let lane: BulkLane?
    /// The batch is the submitter's again as soon as it is complete, with its documents.
    let isReturned: Bool
    let completion: @Sendable (BulkResult) -> Void
    /// Told which documents, as they were submitted, are not safe yet when some were turned back.
    let turnedBack: BulkIndexer.TurnedBack?
    /// What the documents of `batch` were when it was submitted; nil while it has all of them.
    private var submitted: [Int]?
    var progress: BulkProgress
    var delay: Backoff
    /// Not sent before this moment.
    var readyAt = Int64.min
    /// Counts as a problem of `documents` until it is complete.
    var isTroubled = false

    init(
        _ batch: BulkBatch,
        _ retry: Backoff,
        lane: BulkLane? = nil,
        isReturned: Bool,
        turnedBack: BulkIndexer.TurnedBack? = nil,
        _ completion: @escaping @Sendable (BulkResult) -> Void
    ) {
        self.batch = batch
        byteCount = batch.byteCount
        self.lane = lane
        self.isReturned = isReturned
        self.completion = completion
        self.turnedBack = turnedBack
        progress = BulkProgress(documents: batch.documentCount)
        delay = retry
    }

    /// Which documents are not safe yet, numbered as they were submitted; nil when that cannot be told.
    var waiting: [Int]? {
        guard let waiting = progress.waiting else { return nil }
        guard let submitted else { return waiting }
        return waiting.map { submitted[$0] }
    }

    /// Keeps only the documents that are not safe yet, when that frees half of the memory or more.
    ///
    /// - Parameter emptyBatch: takes them; asked for only then.
    /// - Returns: the batch that is no longer needed, nil when the job is as it was.
    func shrink(into emptyBatch: () -> BulkBatch) -> BulkBatch? {
        guard !isReturned, let left = waiting, let waiting = progress.waiting else { return nil }
        let bytes = waiting.reduce(0) { $0 + batch.range($1).count }
        guard bytes <= byteCount / 2 else { return nil }
        let whole = batch
        batch = emptyBatch()
        for document in waiting { batch.append(document, of: whole) }
        byteCount = batch.byteCount
        submitted = left
        progress.renumber()
        return whole
    }

    /// Tells lanes apart.
    var laneID: ObjectIdentifier? { lane.map { ObjectIdentifier($0) } }

    /// What became of the documents that are safe.
    var counts: BulkCounts {
        BulkCounts(
            stored: progress.stored,
            duplicates: progress.duplicates,
            deadLetters: progress.deadLetters
        )
    }
}
