import Common

/// How much disk deleted files may keep in use, and for how long, while they wait to be read to their end.
///
/// Pure: says which are to be given up; `Harvesters` does it.
struct DeletedFileLimits: Equatable, Sendable {
    /// Each deleted file costs a descriptor too.
    static let maxCount = 1000

    /// Of all deleted files together; 0: no limit.
    var maxBytes = 10 << 30
    /// Since a file lost its name; zero: no limit.
    var maxAge = Duration.seconds(24 * 3600)

    /// One deleted file that is open.
    struct File: Equatable {
        /// What the file keeps in use of the disk.
        let bytes: Int64
        /// Whether bytes of it were not read yet.
        let isUnread: Bool
        /// Monotonic time at which it was seen to have no name.
        let deletedAt: Int64
    }

    enum Reason: String {
        case age = "deleted_files.max_age"
        case bytes = "deleted_files.max_bytes"
        case count = "more than 1000 deleted files"
    }

    /// Which files are given up, and why: those that are read before those that are not, and the oldest first.
    ///
    /// - Returns: indices of `files`.
    func released(_ files: [File], now: Int64) -> [(index: Int, reason: Reason)] {
        let order = files.indices.sorted {
            let (one, other) = (files[$0], files[$1])
            return one.isUnread == other.isUnread ? one.deletedAt < other.deletedAt : !one.isUnread
        }
        var bytes = files.reduce(0) { $0 + $1.bytes }
        var count = files.count
        var result: [(index: Int, reason: Reason)] = []
        for index in order {
            let file = files[index]
            let reason: Reason
            if maxAge > .zero, now - file.deletedAt > maxAge.nanoseconds {
                reason = .age
            } else if maxBytes > 0, bytes > maxBytes {
                reason = .bytes
            } else if count > Self.maxCount {
                reason = .count
            } else {
                continue
            }
            bytes -= file.bytes
            count -= 1
            result.append((index, reason))
        }
        return result
    }
}

extension DeletedFileLimits {
    init(_ reader: ConfigurationReader) {
        maxBytes = reader.size("max_bytes", default: 10 << 30, in: 0...(1 << 50))
        maxAge = reader.duration(
            "max_age",
            default: .seconds(24 * 3600),
            in: .zero...(.seconds(86400 * 365))
        )
    }
}
