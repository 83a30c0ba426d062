import Common

/// Why the spool did not do what it was asked to.
enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// `spool.max_bytes` would be passed.
    case full(maxBytes: Int)
    /// Written by a newer version of this program.
    case version(path: String, UInt8)
    /// A record changed on the disk since it was written.
    case damaged(path: String, offset: Int)
    case failed(step: String, path: String, cause: Errno)

    var description: String {
        switch self {
        case .full(let limit): "the spool would pass \(limit) bytes (spool.max_bytes)"
        case .version(let path, let version):
            "\(path) is a spool of version \(version), which this apm-server cannot read: "
                + "let the newer one empty it, or move the file away"
        case .damaged(let path, let offset): "the record at byte \(offset) of \(path) is damaged"
        case .failed(let step, let path, let cause): "cannot \(step) \(path): \(cause)"
        }
    }

    /// Runs one step on a path and names both in what it throws.
    static func step<Result: ~Copyable>(
        _ name: String,
        _ path: String,
        _ body: () throws(Errno) -> Result
    ) throws(SpoolError) -> Result {
        do { return try body() } catch { throw .failed(step: name, path: path, cause: error) }
    }

    /// As `step`, for what throws the failures of `AtomicFile`.
    static func files<Result>(_ body: () throws(AtomicFile.Failure) -> Result) throws(SpoolError) -> Result {
        do { return try body() } catch {
            throw .failed(step: error.step, path: error.path, cause: error.cause)
        }
    }
}
