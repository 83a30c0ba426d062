import Common
import Glibc

/// The file that documents are written to, moved aside by size: `PATH`, `PATH.1` (the youngest), `PATH.2` and so on.
struct DocumentFile: ~Copyable {
    /// What went wrong, and with which file.
    struct Failure: Error, CustomStringConvertible {
        let step: String
        let path: String
        let cause: Errno

        var description: String { "cannot \(step) \(path): \(cause)" }
    }

    private let configuration: FileOutputConfiguration
    private var file: Descriptor
    /// Bytes that are safe; a failed write leaves nothing behind them.
    private var byteCount: Int

    /// Opens the file for this process alone; a last line that a crash cut off is removed (it comes again).
    init(_ configuration: FileOutputConfiguration) throws(Failure) {
        let file = try Self.open(configuration.path)
        byteCount = try Self.removePartialLine(file, configuration.path)
        self.file = file
        self.configuration = configuration
    }

    /// - Returns: bytes of the whole lines.
    private static func removePartialLine(_ file: borrowing Descriptor, _ path: String) throws(Failure) -> Int
    {
        let raw = file.raw
        do {
            var status = stat()
            try Errno.check { fstat(raw, &status) }
            let end = try file.endOfLastLine(size: Int(status.st_size))
            try Errno.check { ftruncate(raw, off_t(end)) }
            return end
        } catch {
            throw Failure(step: "read", path: path, cause: error)
        }
    }

    /// Appends whole lines, and returns when they are on the disk; after an error the file is as before.
    mutating func append(_ lines: borrowing ByteBuffer) throws(Failure) {
        if byteCount > 0, byteCount + lines.count > configuration.maxBytes { try moveAside() }
        do {
            try lines.withUnsafeBytes { (bytes) throws(Errno) in try file.writeAll(bytes, at: byteCount) }
            try file.syncData()
        } catch {
            // Should even this fail, the next write starts at the same place and goes over the rest.
            _ = ftruncate(file.raw, off_t(byteCount))
            throw Failure(step: "write", path: configuration.path, cause: error)
        }
        byteCount += lines.count
    }

    private mutating func moveAside() throws(Failure) {
        let path = configuration.path
        var number = configuration.keep
        while number > 0 {
            try Self.rename(number == 1 ? path : "\(path).\(number - 1)", to: "\(path).\(number)")
            number -= 1
        }
        if configuration.keep == 0 {
            do { try Errno.check(tolerating: .notFound) { unlink(path) } } catch {
                throw Failure(step: "remove", path: path, cause: error)
            }
        }
        file = try Self.open(path)
        byteCount = 0
    }

    private static func rename(_ old: String, to new: String) throws(Failure) {
        do { try Errno.check(tolerating: .notFound) { Glibc.rename(old, new) } } catch {
            throw Failure(step: "move aside", path: old, cause: error)
        }
    }

    private static func open(_ path: String) throws(Failure) -> Descriptor {
        do {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o640)
            let raw = file.raw
            try Errno.check { flock(raw, LOCK_EX | LOCK_NB) }
            try AtomicFile.syncDirectory(of: path)
            return file
        } catch let error as AtomicFile.Failure {
            throw Failure(step: error.step, path: error.path, cause: error.cause)
        } catch let error as Errno {
            let step = error == .wouldBlock ? "lock (another ingest writes to it)" : "open"
            throw Failure(step: step, path: path, cause: error)
        } catch {
            fatalError("document file: unexpected \(error)")
        }
    }
}
