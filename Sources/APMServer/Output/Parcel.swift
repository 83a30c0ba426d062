import Common

/// One batch on its way: in the indexer, in the spool, or in both.
///
/// Its fields belong to `DeliveryQueue`. The batch is not changed before the queue gives it back.
final class Parcel: @unchecked Sendable {
    // Sendable is true because the fields are touched under the lock around `DeliveryQueue` only.

    typealias Completion = @Sendable (Delivery.Outcome) -> Void

    /// What the spool has of it.
    enum Disk: Equatable {
        case none
        /// It waits to be written, or is being written.
        case queued
        case records([SpoolLedger.RecordID])
    }

    let batch: BulkBatch
    let byteCount: Int
    /// When it was handed over, monotonic nanoseconds.
    let submitted: Int64
    /// It came from the spool.
    let isReplay: Bool
    /// nil once called.
    var completion: Completion?
    var disk = Disk.none
    /// The indexer has it.
    var isSending = false
    /// Every document is stored or a dead letter.
    var isStored = false

    init(_ batch: BulkBatch, submitted: Int64, completion: @escaping Completion) {
        self.batch = batch
        byteCount = batch.byteCount
        self.submitted = submitted
        self.completion = completion
        isReplay = false
    }

    /// A batch read from `records` of the spool.
    ///
    /// - Parameter byteCount: of all that were taken from the ledger for it.
    init(replaying records: [SpoolLedger.RecordID], _ batch: BulkBatch, byteCount: Int, submitted: Int64) {
        self.batch = batch
        self.byteCount = byteCount
        self.submitted = submitted
        isReplay = true
        isSending = true
        disk = .records(records)
    }
}

/// Parcels in the order they came; taking the first moves nothing.
struct ParcelLine {
    private var parcels: [Parcel?] = []
    private var start = 0

    var first: Parcel? { start < parcels.count ? parcels[start] : nil }

    mutating func append(_ parcel: Parcel) { parcels.append(parcel) }

    mutating func removeFirst() {
        parcels[start] = nil
        start += 1
        guard start >= 64, start * 2 >= parcels.count else { return }
        parcels.removeFirst(start)
        start = 0
    }
}
