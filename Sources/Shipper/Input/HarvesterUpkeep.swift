/// What `Harvesters` notes about a file besides what reading needs.
struct HarvesterUpkeep {
    /// The largest size that this life of the file was seen to have.
    var largestSize: Int64 = 0
    /// Monotonic time at which the file was seen to have no name left.
    var deletedAt: Int64?
    /// Where the content of a compressed file is.
    var inflatedPath: String?
    /// Whether the file is closed because others of its input have their turn (`harvester_limit`).
    var isWaiting = false
    /// Monotonic time at which its turn began.
    var turnBegan: Int64 = 0
}
