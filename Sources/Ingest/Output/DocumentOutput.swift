import Common

/// Where documents go: a worker hands over batches and learns when all of one is safe.
protocol DocumentOutput: AnyObject, Sendable {
    /// Starts the threads; documents may be submitted from now on.
    ///
    /// - Parameter lanes: how many will be used.
    func start(lanes: Int) throws

    /// Makes ready for so many lanes.
    func addLanes(upTo count: Int) throws

    /// An empty batch to fill, with the memory of an earlier one if there is one.
    func emptyBatch() -> BulkBatch

    /// Takes a batch over; see `BulkIndexer.submit`.
    func submit(
        _ batch: BulkBatch,
        lane: BulkLane,
        turnedBack: @escaping BulkIndexer.TurnedBack,
        completion: @escaping @Sendable (BulkResult) -> Void
    ) -> Bool

    /// Calls `wake` once, on another thread, as soon as there is room for a batch of so many bytes.
    func whenRoom(for bytes: Int, _ wake: @escaping @Sendable () -> Void)

    /// Whether documents become safe, and what is wrong if not.
    var health: BulkHealth { get }

    /// Work to be done about once a minute.
    func housekeep()

    /// Ends the threads; what is not safe within `limit` completes as abandoned.
    func stop(within limit: Duration)
}
