import Common

/// What each worker needs to know, decided at start.
struct WorkerSettings: Sendable {
    let limits: LumberjackLimits
    /// Bytes of documents and half-received frames that this worker may hold.
    let memoryBytes: Int
    let maxBatchEvents: Int
    let maxBatchBytes: Int
    /// Nanoseconds that the first document of a batch waits for company while another batch is in flight.
    let maxBatchDelay: Int64
    /// Batches that this worker has in flight at once.
    let concurrentBatches: Int
    /// Nanoseconds without a byte in the middle of a window.
    let frameTimeout: Int64
    /// Nanoseconds without a byte between windows.
    let idleTimeout: Int64
}
