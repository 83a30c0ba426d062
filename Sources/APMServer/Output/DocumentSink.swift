import Common

/// Where documents go that no request waits for: roll-ups, and traces that were held.
///
/// `Delivery` in the service; tests have their own.
struct DocumentSink: Sendable {
    var emptyBatch: @Sendable () -> BulkBatch
    /// Answers once each batch, on any thread, perhaps at once.
    var submit: @Sendable (BulkBatch, @escaping @Sendable (Delivery.Outcome) -> Void) -> Void
}

extension DocumentSink {
    init(_ delivery: Delivery) {
        self.init(
            emptyBatch: { delivery.emptyBatch() },
            submit: { delivery.submit($0, completion: $1) }
        )
    }
}
