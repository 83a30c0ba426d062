/// Why dead letters could not be written, read or removed; when writing, the documents are kept and tried again.
package enum DeadLetterError: Error, Equatable, CustomStringConvertible {
    /// `dead_letters.max_bytes` would be passed.
    case full(directory: String, maxBytes: Int)
    /// Another process has the segment.
    case busy(path: String)
    /// A line that no document of ours can have.
    case lineTooLong(path: String, maxBytes: Int)
    case failed(step: String, path: String, cause: Errno)

    package var description: String {
        switch self {
        case .full(let directory, let limit):
            "the dead letters in \(directory) would pass \(limit) bytes; look at them and move them away, "
                + "or raise dead_letters.max_bytes"
        case .busy(let path): "\(path) is in use by another dead-letters command; try again when it has ended"
        case .lineTooLong(let path, let limit):
            "\(path) has a line of more than \(limit) bytes; move the file away and mend it"
        case .failed(let step, let path, let cause): "cannot \(step) \(path): \(cause)"
        }
    }

    /// Does one step of a work on a file, and names both in the error.
    @discardableResult
    static func step<Result: ~Copyable>(
        _ name: String,
        _ path: String,
        _ body: () throws(Errno) -> Result
    ) throws(DeadLetterError) -> Result {
        do { return try body() } catch { throw .failed(step: name, path: path, cause: error) }
    }
}
