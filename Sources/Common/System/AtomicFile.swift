import Glibc

/// Small files that must survive a crash and a power cut.
package enum AtomicFile {
    /// What went wrong, and at which step.
    package struct Failure: Error, CustomStringConvertible {
        package let step: String
        package let path: String
        package let cause: Errno

        package init(step: String, path: String, cause: Errno) {
            self.step = step
            self.path = path
            self.cause = cause
        }

        package var description: String { "cannot \(step) \(path): \(cause)" }
    }

    /// Replaces the file at `path` by `bytes`: a reader sees the old content or the new, never a part.
    ///
    /// Writes `path.new`, fsyncs it, renames it over `path` and fsyncs the directory. With `keepingPrevious`,
    /// the content replaced stays as a second name `keepingPrevious`. A file that root replaces stays its owner's.
    package static func write(
        _ bytes: UnsafeRawBufferPointer,
        to path: String,
        mode: UInt32 = 0o600,
        keepingPrevious previous: String? = nil
    ) throws(Failure) {
        let temporary = path + ".new"
        try step("write", temporary) { () throws(Errno) in
            let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
            try file.writeAll(bytes)
            try giveToOwner(of: path, file)
            try file.sync()
        }
        if let previous {
            try step("keep the previous generation as", previous) { () throws(Errno) in
                try Errno.check(tolerating: .notFound) { unlink(previous) }
                try Errno.check(tolerating: .notFound) { link(path, previous) }
            }
        }
        try step("rename to", path) { () throws(Errno) in try Errno.check { rename(temporary, path) } }
        try syncDirectory(of: path)
    }

    /// Lets root give a file to the owner of another, if that is there: a command that an administrator runs must not
    /// take a file away from the service.
    package static func giveToOwner(of path: String, _ file: borrowing Descriptor) throws(Errno) {
        var status = stat()
        guard geteuid() == 0, stat(path, &status) == 0, status.st_uid != 0 || status.st_gid != 0 else {
            return
        }
        let raw = file.raw
        try Errno.check { fchown(raw, status.st_uid, status.st_gid) }
    }

    /// fsyncs the directory that holds `path`, so that its entry survives a power cut.
    package static func syncDirectory(of path: String) throws(Failure) {
        let directory = Path.directory(of: path)
        try step("sync the directory", directory) { () throws(Errno) in
            let descriptor = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
            try descriptor.sync()
        }
    }

    /// The whole content of a file of at most `limit` bytes.
    ///
    /// - Throws: also when the file is larger (`EFBIG`).
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        try step("read", path) { () throws(Errno) -> [UInt8] in
            let file = try Descriptor.open(path, O_RDONLY)
            var buffer = ByteBuffer(capacity: 4096)
            while true {
                let before = buffer.count
                try buffer.append(reserving: 4096) { free throws(Errno) in try file.read(into: free) }
                if buffer.count == before { return buffer.array }
                if buffer.count > limit { throw Errno(EFBIG) }
            }
        }
    }

    @discardableResult
    private static func step<Result>(
        _ name: String,
        _ path: String,
        _ body: () throws(Errno) -> Result
    ) throws(Failure) -> Result {
        do { return try body() } catch { throw Failure(step: name, path: path, cause: error) }
    }
}
