import Common

/// Takes batches of documents over and answers once each is safe: stored in Elasticsearch, or in the spool on disk.
final class Delivery: Sendable {
    /// What became of a batch.
    enum Outcome: Equatable, Sendable {
        /// Every document is stored, a dead letter, or in the spool: the agents may be told 202.
        case kept
        /// The spool is full (or the service stops): the agents must be told 503.
        case refused
    }

    init() {}

    /// An empty batch to fill.
    func emptyBatch() -> BulkBatch { BulkBatch() }

    /// Takes a batch over; never blocks.
    ///
    /// `completion` is called exactly once, on another thread or at once.
    func submit(_ batch: BulkBatch, completion: @escaping @Sendable (Outcome) -> Void) {
        completion(.refused)
    }
}
