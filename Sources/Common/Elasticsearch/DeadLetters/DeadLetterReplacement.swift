import Glibc

/// The new content of a locked segment, written beside it and put in its place at once.
///
/// Until `commit` the segment is what it was: a process that dies in the middle leaves a file `….new` behind that the
/// next one writes over.
struct DeadLetterReplacement: ~Copyable {
    private static let blockBytes = 1 << 20

    private let path: String
    private let temporary: String
    private let file: Descriptor
    private var buffer = ByteBuffer(capacity: 64 << 10)
    private var byteCount = 0

    /// - Parameter path: of a segment that the caller has locked.
    init(of path: String) throws(DeadLetterError) {
        self.path = path
        let temporary = path + ".new"
        self.temporary = temporary
        file = try DeadLetterError.step("open", temporary) { () throws(Errno) in
            try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        }
    }

    /// Keeps a line.
    mutating func append(line: RawSpan) throws(DeadLetterError) {
        buffer.append(line)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.blockBytes { try flush() }
    }

    /// Keeps lines that have their ends.
    mutating func append(lines: [UInt8]) throws(DeadLetterError) {
        buffer.append(lines)
        if buffer.count >= Self.blockBytes { try flush() }
    }

    /// Puts the kept lines in the segment's place, or removes it when there are none; returns when that is durable.
    ///
    /// - Parameter age: the time of change that the segment gets, for `max_age`; nil for now.
    consuming func commit(changed age: CalendarTime? = nil) throws(DeadLetterError) {
        try flush()
        let (path, temporary) = (path, temporary)
        if byteCount == 0 {
            try DeadLetterError.step("remove", path) { () throws(Errno) in
                try Errno.check(tolerating: .notFound) { unlink(path) }
                try Errno.check(tolerating: .notFound) { unlink(temporary) }
            }
        } else {
            try DeadLetterError.step("write", temporary) { () throws(Errno) in
                try AtomicFile.giveToOwner(of: path, file)
                if let age { try Self.set(age, of: file) }
                try file.sync()
            }
            try DeadLetterError.step("rename to", path) { () throws(Errno) in
                try Errno.check { rename(temporary, path) }
            }
        }
        do { try AtomicFile.syncDirectory(of: path) } catch {
            throw .failed(step: error.step, path: error.path, cause: error.cause)
        }
    }

    /// Leaves the segment as it is.
    consuming func discard() throws(DeadLetterError) {
        let temporary = temporary
        try DeadLetterError.step("remove", temporary) { () throws(Errno) in
            try Errno.check(tolerating: .notFound) { unlink(temporary) }
        }
    }

    private static func set(_ time: CalendarTime, of file: borrowing Descriptor) throws(Errno) {
        let raw = file.raw
        let changed = timespec(
            tv_sec: time_t(time.seconds),
            tv_nsec: Int(time.nanoseconds - time.seconds * 1_000_000_000)
        )
        var times = [changed, changed]
        try Errno.check { futimens(raw, &times) }
    }

    private mutating func flush() throws(DeadLetterError) {
        do throws(Errno) {
            try buffer.withUnsafeBytes { (bytes) throws(Errno) in try file.writeAll(bytes) }
        } catch {
            throw .failed(step: "write", path: temporary, cause: error)
        }
        byteCount += buffer.count
        buffer.removeAll()
    }
}
