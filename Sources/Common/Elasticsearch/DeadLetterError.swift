/// Why dead letters could not be written; the documents are kept and tried again.
package enum DeadLetterError: Error, Equatable, CustomStringConvertible {
    /// `dead_letters.max_bytes` would be passed.
    case full(directory: String, maxBytes: Int)
    case failed(step: String, path: String, cause: Errno)

    package var description: String {
        switch self {
        case .full(let directory, let limit):
            "the dead letters in \(directory) would pass \(limit) bytes; look at them and move them away, "
                + "or raise dead_letters.max_bytes"
        case .failed(let step, let path, let cause): "cannot \(step) \(path): \(cause)"
        }
    }
}
