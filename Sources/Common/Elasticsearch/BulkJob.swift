/// What became of a batch, told exactly once.
package enum BulkResult: Equatable, Sendable {
    /// Every document is in the store or in the dead-letter file.
    case complete(stored: Int, duplicates: Int, deadLetters: Int)
    /// The service stopped first: nothing may be acknowledged, whoever sent the events sends them again.
    case abandoned
}

/// A batch on its way, with the progress made so far.
///
/// Belongs to the queue of `BulkIndexer` or to the one sender that took it out.
final class BulkJob: @unchecked Sendable {
    // Sendable is true because of that one owner; the queue's lock hands it over.
    let batch: BulkBatch
    let byteCount: Int
    /// nil for the lane of all who name none.
    let lane: BulkLane?
    /// The batch is the submitter's again as soon as it is complete, with its documents.
    let isReturned: Bool
    let completion: @Sendable (BulkResult) -> Void
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
        _ completion: @escaping @Sendable (BulkResult) -> Void
    ) {
        self.batch = batch
        byteCount = batch.byteCount
        self.lane = lane
        self.isReturned = isReturned
        self.completion = completion
        progress = BulkProgress(documents: batch.documentCount)
        delay = retry
    }

    /// Tells lanes apart.
    var laneID: ObjectIdentifier? { lane.map { ObjectIdentifier($0) } }

    var result: BulkResult {
        .complete(
            stored: progress.stored,
            duplicates: progress.duplicates,
            deadLetters: progress.deadLetters
        )
    }
}
