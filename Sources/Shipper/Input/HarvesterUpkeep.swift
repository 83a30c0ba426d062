/// What `Harvesters` notes about a file besides what reading needs.
struct HarvesterUpkeep {
    /// The largest size that this life of the file was seen to have.
    private(set) var largestSize: Int64 = 0
    /// Whether it was seen to be shorter than before: truncated, most likely.
    private(set) var hasShrunk = false
    /// Monotonic time at which the file was seen to have no name left.
    var deletedAt: Int64?
    /// Where the content of a compressed file is.
    var inflatedPath: String?
    /// Whether the file is closed because others of its input have their turn (`harvester_limit`).
    var isWaiting = false
    /// Monotonic time at which its turn began.
    var turnBegan: Int64 = 0

    mutating func see(size: Int64) {
        if size < largestSize { hasShrunk = true }
        largestSize = max(largestSize, size)
    }

    /// What was seen before counts no more.
    mutating func beginAnew(size: Int64) {
        largestSize = size
        hasShrunk = false
    }
}
