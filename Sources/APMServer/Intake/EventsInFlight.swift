import Common

/// The events of one request that are in batches, open or on their way: what its answer waits for.
///
/// Used by the worker's thread only.
final class EventsInFlight {
    private let exchange: any HTTPExchange
    private var pendingBatches = 0
    /// Events in the open batches of the worker.
    private var open = 0
    /// Events that nobody could keep.
    private(set) var refused = 0

    init(_ exchange: any HTTPExchange) { self.exchange = exchange }

    /// Whether all are where they will stay.
    var isSettled: Bool { pendingBatches == 0 && open == 0 }

    /// More events were added to an open batch.
    func added(_ events: Int) { open += events }

    /// `events` of them leave with their batch.
    func left(_ events: Int) {
        open -= events
        pendingBatches += 1
    }

    /// Their batch has arrived, or not; the request looks at what that means for it.
    func arrived(_ outcome: Delivery.Outcome, _ events: Int) {
        pendingBatches -= 1
        if outcome == .refused { refused += events }
        exchange.wake()
    }

    /// The worker may take more.
    func wake() { exchange.wake() }
}
