import Glibc
import Synchronization

/// Documents that Elasticsearch can never store, as lines of JSON that a person can read, mend and send again.
///
/// Segments of bounded size in one directory (`DeadLetterDirectory`), up to a number of bytes and an age in all
/// (`DeadLetterLimits`). A letter counts as written once it is on the disk. Commands may work on the segments
/// meanwhile: a segment that another has, or has changed, is left to them, and a new one begun.
package final class DeadLetterFile: Sendable {
    /// A file is not continued above this, or above a tenth of the whole: an editor can open it.
    private static let maxSegmentBytes = 64 << 20
    /// New segments that commands may take away before it is tried again later.
    private static let maxAttempts = 4
    /// How often ages are looked at, at most.
    private static let expiryInterval: Int64 = 60_000_000_000

    private struct State: ~Copyable {
        var file: Descriptor?
        var number: Int
        /// Bytes of the open file that are safe; a failed write leaves nothing behind them.
        var fileBytes = 0
        /// Bytes of all files, as of the last look at the directory plus what was written since.
        var totalBytes: Int
        /// When ages are looked at again (monotonic nanoseconds).
        var nextExpiry = Int64.min
    }

    private let directory: DeadLetterDirectory
    private let limits: DeadLetterLimits
    private let segmentBytes: Int
    private let removals: DeadLetterRemovals?
    private let state: Mutex<State>

    /// Finds the segments of earlier runs; a last line that a crash cut off is removed (it was never acknowledged).
    ///
    /// - Parameter removals: counts what `limits` cost.
    package init(directory: String, limits: DeadLetterLimits, removals: DeadLetterRemovals? = nil) throws {
        self.directory = DeadLetterDirectory(directory)
        self.limits = limits
        self.removals = removals
        segmentBytes = min(Self.maxSegmentBytes, max(limits.maxBytes / 10, 1))
        try Path.createDirectories(directory)
        let found = try self.directory.segments()
        state = Mutex(State(file: nil, number: found.last?.number ?? 0, totalBytes: found.totalBytes))
        try state.withLock { (state) throws(DeadLetterError) in
            if state.number > 0 { try continueLast(&state) }
        }
        removeExpired()
    }

    /// Bytes of all dead letters, for the metrics.
    package var totalBytes: Int { state.withLock { $0.totalBytes } }

    /// Writes the documents of `burials` and returns when they are on the disk: all of them, or none.
    package func append(_ burials: [BulkProgress.Burial], of batch: BulkBatch) throws(DeadLetterError) {
        var lines = ByteBuffer(capacity: 4096)
        let now = Clock.now
        for burial in burials { DeadLetter.append(burial, of: batch, at: now, to: &lines) }
        try append(lines)
    }

    private func append(_ lines: borrowing ByteBuffer) throws(DeadLetterError) {
        try state.withLock { (state) throws(DeadLetterError) in
            removeExpired(&state)
            try makeRoom(&state, for: lines.count)
            let isOpen = try takeUp(&state)
            defer { release(state.file) }
            let isFull = state.fileBytes > 0 && state.fileBytes + lines.count > segmentBytes
            if !isOpen || isFull { try begin(&state) }
            try write(lines, &state)
        }
    }

    /// Removes segments above `max_age`; cheap when called more often than once a minute.
    ///
    /// What cannot be removed is logged and tried again a minute later.
    package func removeExpired() { state.withLock { removeExpired(&$0) } }

    // MARK: - Limits

    private func removeExpired(_ state: inout State) {
        let now = Clock.monotonic
        guard limits.maxAge > .zero, now >= state.nextExpiry else { return }
        state.nextExpiry = now + Self.expiryInterval
        let oldest = Clock.now.nanoseconds - limits.maxAge.nanoseconds
        do throws(DeadLetterError) {
            for segment in try directory.segments() where segment.changed.nanoseconds < oldest {
                try remove(segment, &state, reason: "max_age", removals?.byAge)
            }
        } catch {
            Log.limited(
                .error,
                key: "dead-letters-age",
                "old dead letters cannot be removed",
                ["reason": "\(error)"]
            )
        }
    }

    /// Keeps to the bound on all segments: by removing the oldest, or by refusing.
    private func makeRoom(_ state: inout State, for count: Int) throws(DeadLetterError) {
        guard state.totalBytes + count > limits.maxBytes else { return }
        // Someone may have moved files away since the last look.
        let segments = try directory.segments()
        state.totalBytes = segments.totalBytes
        if limits.whenFull == .removeOldest {
            for segment in segments where state.totalBytes + count > limits.maxBytes {
                try remove(segment, &state, reason: "max_bytes", removals?.bySize)
            }
        }
        // Into an empty directory goes what must, or a batch larger than the bound would wait for ever.
        guard state.totalBytes + count <= limits.maxBytes || state.totalBytes == 0 else {
            throw .full(directory: directory.path, maxBytes: limits.maxBytes)
        }
    }

    /// Removes a segment, unless a command works on it.
    private func remove(
        _ segment: DeadLetterDirectory.Segment,
        _ state: inout State,
        reason: String,
        _ counter: Counter?
    ) throws(DeadLetterError) {
        do throws(DeadLetterError) {
            guard let locked = try LockedSegment.open(segment.path, patience: .zero) else { return }
            var letters = 0
            if var reader = try DeadLetterReader.open(segment.path, takesRest: true) {
                while try reader.advance() { letters += 1 }
            }
            try locked.remove()
            state.totalBytes -= segment.byteCount
            counter?.add(letters)
            Log.warning(
                "dead letters were removed",
                [
                    "because_of": "dead_letters.\(reason)", "path": segment.path, "letters": String(letters),
                    "bytes": String(segment.byteCount), "last_letter": segment.changed.iso8601,
                ]
            )
        } catch {
            guard case .busy = error else { throw error }
        }
    }

    // MARK: - Files

    /// Opens the last segment of an earlier run; one that a command works on is left alone.
    private func continueLast(_ state: inout State) throws(DeadLetterError) {
        let path = directory.path(of: state.number)
        let file = try DeadLetterError.step("open", path) { () throws(Errno) in
            try Descriptor.open(path, O_RDWR)
        }
        guard try LockedSegment.lock(file, path) else { return }
        state.file = consume file
        defer { release(state.file) }
        try removePartialLine(&state)
    }

    /// Locks the open segment.
    ///
    /// - Returns: false when there is none, or it is no longer as this process left it: a command has it, or someone
    ///   has moved it away, replaced or edited it.
    private func takeUp(_ state: inout State) throws(DeadLetterError) -> Bool {
        let path = directory.path(of: state.number)
        guard let file = state.file.take() else { return false }
        var status = stat()
        guard try LockedSegment.lock(file, path), LockedSegment.isNamed(file, path),
            fstat(file.raw, &status) == 0, Int(status.st_size) == state.fileBytes
        else { return false }
        state.file = consume file
        return true
    }

    /// Begins a segment behind all others, and locks it.
    private func begin(_ state: inout State) throws(DeadLetterError) {
        state.file = nil
        state.fileBytes = 0
        var path = ""
        for _ in 0..<Self.maxAttempts {
            state.number = max(state.number, try directory.segments().last?.number ?? 0) + 1
            path = directory.path(of: state.number)
            let file = try DeadLetterError.step("open", path) { () throws(Errno) in
                try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            }
            do { try AtomicFile.syncDirectory(of: path) } catch {
                throw .failed(step: error.step, path: error.path, cause: error.cause)
            }
            // A command may have found the empty file and have it already.
            guard try LockedSegment.lock(file, path), LockedSegment.isNamed(file, path) else { continue }
            state.file = consume file
            return
        }
        throw .busy(path: path)
    }

    /// Gives the lock of the open segment back.
    private func release(_ file: borrowing Descriptor?) {
        switch file {
        case .some(let file): _ = flock(file.raw, LOCK_UN)
        case .none: break
        }
    }

    /// Appends and syncs; after a failure the file is as long as before, so no half line stays.
    private func write(_ lines: borrowing ByteBuffer, _ state: inout State) throws(DeadLetterError) {
        guard let file = state.file.take() else { fatalError("dead letters: no open file") }
        do {
            try lines.withUnsafeBytes { (bytes) throws(Errno) in
                try file.writeAll(bytes, at: state.fileBytes)
            }
            try file.syncData()
        } catch {
            // Should even this fail, the size tells, and the next letters go to a new segment.
            _ = ftruncate(file.raw, off_t(state.fileBytes))
            state.file = consume file
            throw .failed(step: "write", path: directory.path(of: state.number), cause: error)
        }
        state.file = consume file
        state.fileBytes += lines.count
        state.totalBytes += lines.count
    }

    /// Cuts the file behind its last line end, unless what follows is a whole letter: an editor need not end a line.
    private func removePartialLine(_ state: inout State) throws(DeadLetterError) {
        guard let file = state.file.take() else { return }
        var status = stat()
        let path = directory.path(of: state.number)
        do {
            try Errno.check { fstat(file.raw, &status) }
            let size = Int(status.st_size)
            let end = try file.endOfLastLine(size: size)
            state.fileBytes = end
            if end < size, try Self.isLetter(file, end..<size) {
                var newline = UInt8(ascii: "\n")
                try withUnsafeBytes(of: &newline) { (bytes) throws(Errno) in
                    try file.writeAll(bytes, at: size)
                }
                state.fileBytes = size + 1
            } else if end < size {
                try Errno.check { ftruncate(file.raw, off_t(end)) }
                Log.warning(
                    "removed a dead letter that was cut off by a crash; its event comes again",
                    ["path": path, "bytes": String(size - end)]
                )
            }
            state.totalBytes += state.fileBytes - size
        } catch {
            throw .failed(step: "read", path: path, cause: error)
        }
        state.file = consume file
    }

    private static func isLetter(_ file: borrowing Descriptor, _ range: Range<Int>) throws(Errno) -> Bool {
        var line = ByteBuffer(capacity: range.count)
        try line.append(reserving: range.count) { (free) throws(Errno) in
            let part = UnsafeMutableRawBufferPointer(rebasing: free[..<range.count])
            return try file.readAll(into: part, at: range.lowerBound)
        }
        return line.withSpan { DeadLetterEntry($0) != nil }
    }
}

extension [DeadLetterDirectory.Segment] {
    package var totalBytes: Int { reduce(0) { $0 + $1.byteCount } }
}
