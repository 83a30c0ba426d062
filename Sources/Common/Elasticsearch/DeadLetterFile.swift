import Glibc
import Synchronization

/// Documents that Elasticsearch can never store, as lines of JSON that a person can read, mend and send again.
///
/// `dead-letters-000001.ndjson` and so on in one directory, up to a number of bytes in all; when that is reached,
/// nothing more is taken until someone has moved files away. An entry counts as written once it is on the disk.
package final class DeadLetterFile: Sendable {
    /// A file is not continued above this, or above a tenth of the whole: an editor can open it.
    private static let maxSegmentBytes = 64 << 20

    private struct State: ~Copyable {
        var file: Descriptor?
        var number: Int
        /// Bytes of the open file that are safe; a failed write leaves nothing behind them.
        var fileBytes = 0
        /// Bytes of all files, as of the last look at the directory plus what was written since.
        var totalBytes: Int
    }

    private let directory: String
    private let maxBytes: Int
    private let segmentBytes: Int
    private let state: Mutex<State>

    /// Finds the files of earlier runs; a last line that a crash cut off is removed (it was never acknowledged).
    package init(directory: String, maxBytes: Int) throws {
        self.directory = directory
        self.maxBytes = maxBytes
        segmentBytes = min(Self.maxSegmentBytes, max(maxBytes / 10, 1))
        try Path.createDirectories(directory)
        let found = try Self.segments(in: directory)
        state = Mutex(State(file: nil, number: found.last ?? 0, totalBytes: found.bytes))
        try state.withLock { (state) throws(DeadLetterError) in
            guard state.number > 0 else { return }
            try open(&state, isNew: false)
            try removePartialLine(&state)
        }
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
            try makeRoom(&state, for: lines.count)
            try write(lines, &state)
        }
    }

    // MARK: - Files

    /// Checks the bound on all files, and opens the next when the current one is full or was moved away.
    private func makeRoom(_ state: inout State, for count: Int) throws(DeadLetterError) {
        if state.totalBytes + count > maxBytes {
            // Someone may have moved files away since the last look.
            state.totalBytes = try Self.segments(in: directory).bytes
            // Into an empty directory goes what must, or a batch larger than the bound would wait for ever.
            guard state.totalBytes + count <= maxBytes || state.totalBytes == 0 else {
                throw .full(directory: directory, maxBytes: maxBytes)
            }
        }
        if isGone(state.file, path: path(state.number)) { state.file = nil }
        let isFull = state.fileBytes > 0 && state.fileBytes + count > segmentBytes
        guard state.file == nil || isFull else { return }
        state.number = max(state.number, try Self.segments(in: directory).last ?? 0) + 1
        try open(&state, isNew: true)
    }

    /// Whether the open file is no longer the one of that name: deleted, or moved away by someone who looks at it.
    private func isGone(_ file: borrowing Descriptor?, path: String) -> Bool {
        switch file {
        case .some(let file):
            var opened = stat()
            var named = stat()
            guard fstat(file.raw, &opened) == 0, stat(path, &named) == 0 else { return true }
            return opened.st_ino != named.st_ino || opened.st_dev != named.st_dev
        case .none: return true
        }
    }

    private func open(_ state: inout State, isNew: Bool) throws(DeadLetterError) {
        let path = path(state.number)
        state.file = nil
        state.file = try Self.step("open", path) { () throws(Errno) in
            try Descriptor.open(path, O_RDWR | O_CREAT | (isNew ? O_EXCL : 0), mode: 0o600)
        }
        state.fileBytes = 0
        guard isNew else { return }
        do { try AtomicFile.syncDirectory(of: path) } catch {
            throw .failed(step: error.step, path: error.path, cause: error.cause)
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
            // Should even this fail, the next write starts at the same place and goes over the rest.
            _ = ftruncate(file.raw, off_t(state.fileBytes))
            state.file = consume file
            throw .failed(step: "write", path: path(state.number), cause: error)
        }
        state.file = consume file
        state.fileBytes += lines.count
        state.totalBytes += lines.count
    }

    /// Cuts the file behind its last line end, looking back from its end.
    private func removePartialLine(_ state: inout State) throws(DeadLetterError) {
        guard let file = state.file.take() else { return }
        var status = stat()
        let path = path(state.number)
        do {
            try Errno.check { fstat(file.raw, &status) }
            let size = Int(status.st_size)
            let end = try Self.endOfLastLine(file, size: size)
            if end < size {
                try Errno.check { ftruncate(file.raw, off_t(end)) }
                Log.warning(
                    "removed a dead letter that was cut off by a crash; its event comes again",
                    ["path": path, "bytes": String(size - end)]
                )
            }
            state.fileBytes = end
            state.totalBytes -= size - end
        } catch {
            throw .failed(step: "read", path: path, cause: error)
        }
        state.file = consume file
    }

    private static func endOfLastLine(_ file: borrowing Descriptor, size: Int) throws(Errno) -> Int {
        var end = size
        var block = ByteBuffer(capacity: 64 << 10)
        while end > 0 {
            let start = max(end - (64 << 10), 0)
            let length = end - start
            block.removeAll()
            try block.append(reserving: length) { (free) throws(Errno) in
                try file.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: free[..<length]),
                    at: Int64(start)
                )
            }
            let newline = block.withUnsafeBytes { $0.lastIndex(of: UInt8(ascii: "\n")) }
            if let newline { return start + newline + 1 }
            end = start
        }
        return 0
    }

    private func path(_ number: Int) -> String {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(6 - digits.count, 0))
        return "\(directory)/\(Self.prefix)\(zeros)\(digits)\(Self.suffix)"
    }

    private static let prefix = "dead-letters-"
    private static let suffix = ".ndjson"

    /// Highest number and bytes of all files of ours in the directory.
    private static func segments(in directory: String) throws(DeadLetterError) -> (last: Int?, bytes: Int) {
        let names = try step("read the directory", directory) { () throws(Errno) in
            try Path.names(in: directory)
        }
        var last: Int?
        var bytes = 0
        for name in names {
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
            guard let number = Int(name.dropFirst(prefix.count).dropLast(suffix.count)) else { continue }
            last = max(last ?? 0, number)
            var status = stat()
            if stat("\(directory)/\(name)", &status) == 0 { bytes += Int(status.st_size) }
        }
        return (last, bytes)
    }

    private static func step<Result: ~Copyable>(
        _ name: String,
        _ path: String,
        _ body: () throws(Errno) -> Result
    ) throws(DeadLetterError) -> Result {
        do { return try body() } catch { throw .failed(step: name, path: path, cause: error) }
    }
}
