import Glibc

/// A segment that nobody else writes to, replaces or removes while this is held.
///
/// The lock is flock(2) on the file itself. Ingest takes it for the time of one append, a command for as long as it
/// works on the segment; ingest then goes on in a new one.
struct LockedSegment: ~Copyable {
    let path: String
    /// Closing it gives the lock back.
    let file: Descriptor

    /// Locks the file at `path`.
    ///
    /// - Parameter patience: how long to wait for another who has it: an append takes milliseconds.
    /// - Returns: nil when there is no such file any more.
    /// - Throws: `busy` when another keeps it.
    static func open(_ path: String, patience: Duration) throws(DeadLetterError) -> LockedSegment? {
        let deadline = Clock.monotonic + patience.nanoseconds
        while true {
            let file: Descriptor
            do { file = try Descriptor.open(path, O_RDWR) } catch .notFound {
                return nil
            } catch {
                throw .failed(step: "open", path: path, cause: error)
            }
            if try lock(file, path) {
                // Another may have replaced it between opening and locking: then there is a new file to lock.
                if isNamed(file, path) { return LockedSegment(path: path, file: file) }
                continue
            }
            guard Clock.monotonic < deadline else { throw .busy(path: path) }
            usleep(Self.pauseMicroseconds)
        }
    }

    private static let pauseMicroseconds: UInt32 = 10_000

    /// - Returns: false when another has the lock.
    static func lock(_ file: borrowing Descriptor, _ path: String) throws(DeadLetterError) -> Bool {
        let raw = file.raw
        do { try Errno.check { flock(raw, LOCK_EX | LOCK_NB) } } catch .wouldBlock {
            return false
        } catch {
            throw .failed(step: "lock", path: path, cause: error)
        }
        return true
    }

    /// Whether the open file is still the one of that name: neither deleted, nor moved away, nor replaced.
    static func isNamed(_ file: borrowing Descriptor, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(file.raw, &opened) == 0, stat(path, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    /// Removes the file for good.
    func remove() throws(DeadLetterError) {
        try DeadLetterError.step("remove", path) { () throws(Errno) in
            try Errno.check(tolerating: .notFound) { unlink(path) }
        }
        do { try AtomicFile.syncDirectory(of: path) } catch {
            throw .failed(step: error.step, path: error.path, cause: error.cause)
        }
    }
}
