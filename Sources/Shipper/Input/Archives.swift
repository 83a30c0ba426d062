import Common
import Glibc

/// Compressed files: which wait, which one is being inflated or read, and which were read.
///
/// One at a time is inflated, as a whole, into a file of the data directory, and that is read as any other: offsets are
/// places in the inflated text. The disk it takes is that of one file, the memory that of none.
final class Archives {
    /// A compressed file counts as complete when it has not changed for so long.
    static let settlingTime: Int64 = 5_000_000_000
    /// A file that cannot be placed yet is tried again after this time.
    static let retryTime: Int64 = 30_000_000_000
    /// Read files that may be gone are remembered up to this number.
    private static let maxSpareDone = 1000

    /// A compressed file that waits.
    struct Archive {
        var path: String
        let input: Int
        /// Whether it is only of interest as the rest of a file that is known.
        let isOutside: Bool
        var size: Int64
        var modified: Int64
        /// Monotonic time since which it has been like this.
        var since: Int64
    }

    let inflatedPath: String
    let waker: Waker
    var waiting: [FileKey: Archive] = [:]
    /// Sizes of those that were read.
    var done: [FileKey: Int64] = [:]
    var inflation: (key: FileKey, inflater: ArchiveInflater, call: BackgroundCall<ArchiveInflater.Result>)?
    /// The one whose content is being read.
    var current: (key: FileKey, size: Int64)?

    init(directory: String, waker: Waker) {
        inflatedPath = directory + "/inflated.tmp"
        self.waker = waker
        // What a crash left.
        removeInflated()
    }

    /// Removes what a file was inflated into, if there is such a thing.
    func removeInflated() {
        guard unlink(inflatedPath) != 0, Errno.current != .notFound else { return }
        Log.limited(
            .warning,
            key: "inflated",
            "cannot remove what a compressed file inflated to; the next overwrites it",
            ["path": inflatedPath, "error": "\(Errno.current)"]
        )
    }

    /// Forgets which files were read, but for those that are there: a bound on memory.
    func forget(allBut found: Set<FileKey>) {
        if done.count > found.count + Self.maxSpareDone { done = done.filter { found.contains($0.key) } }
    }

    var isIdle: Bool { waiting.isEmpty && inflation == nil && current == nil }

    /// Whether a copy of this file may be among those that wait.
    func mayHoldCopy(of path: String) -> Bool {
        waiting.values.contains { CopyRule.isRotated($0.path, of: path) }
    }
}
