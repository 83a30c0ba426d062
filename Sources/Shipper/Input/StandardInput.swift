import Common
import Glibc
import Synchronization

/// Lines that come on standard input (`paths: ["-"]`).
///
/// They are put into files of the data directory, which are followed as any other, so they survive a crash and a receiver
/// that is away. Files whose lines are all stored are removed; above `maxBytes` nothing more is read, and the writer
/// waits.
final class StandardInput: Sendable {
    /// What stands for it in `paths`.
    static let path = "-"
    /// A file above this is followed by another, at the end of a line.
    static let maxFileBytes = 16 << 20
    static let maxBytes = 1 << 30

    private struct State {
        /// The file that is being written; nil at the end of the input.
        var current: String?
        var isAtEnd = false
        var isEndTaken = false
        /// Of all files that are there.
        var bytes = 0
    }

    private let directory: String
    private let waker: Waker
    private let source: Int32
    private let state = Mutex(State())
    private let isStopped = Atomic(false)

    /// Where its files are, as a pattern.
    static func pattern(in dataDirectory: String) -> String { dataDirectory + "/stdin/*.log" }

    /// - Parameters:
    ///   - source: an open descriptor; not closed.
    ///   - waker: woken at the input's end.
    init(
        dataDirectory: String,
        waker: Waker,
        source: Int32 = STDIN_FILENO
    ) throws(AtomicFile.Failure) {
        directory = dataDirectory + "/stdin"
        self.waker = waker
        self.source = source
        try Path.createDirectories(directory)
    }

    /// Begins to read, on a thread of its own.
    func start() throws(Errno) -> Thread {
        let left = files().reduce(0) { $0 + $1.size }
        state.withLock { $0.bytes = left }
        return try Thread("stdin") { [self] in run() }
    }

    /// Ends reading within half a second; what was read is in files.
    func stop() { isStopped.store(true, ordering: .releasing) }

    /// Whether the input has ended since the last call: its last lines are to be looked for.
    func takeEnd() -> Bool {
        state.withLock { state in
            guard state.isAtEnd, !state.isEndTaken else { return false }
            state.isEndTaken = true
            return true
        }
    }

    /// Whether all of it is in files, and the loop has been told.
    var isAtEnd: Bool { state.withLock(\.isEndTaken) }

    /// Removes files that are stored to their end, except the one that is being written.
    func removeStored(_ registry: Registry) {
        let current = state.withLock(\.current)
        for file in files() where file.path != current {
            let offset = registry.states[file.key]?.offset
            guard file.size == 0 || offset == Int64(file.size) else { continue }
            if unlink(file.path) == 0 {
                state.withLock { $0.bytes -= file.size }
            } else {
                Log.limited(
                    .warning,
                    key: "stdin remove",
                    "cannot remove lines of standard input that are stored",
                    ["path": file.path, "error": "\(Errno.current)"]
                )
            }
        }
    }

    private func files() -> [(path: String, key: FileKey, size: Int)] {
        do throws(Errno) {
            return try Path.names(in: directory).compactMap { name in
                let path = directory + "/" + name
                // Gone meanwhile: nothing to remove.
                guard name.hasSuffix(".log"), let status = try? FileStatus(path: path) else { return nil }
                return (path, status.key, Int(status.size))
            }
        } catch {
            Log.limited(
                .warning,
                key: "stdin list",
                "cannot list the files of standard input",
                ["path": directory, "error": "\(error)"]
            )
            return []
        }
    }
}

// MARK: - The thread

extension StandardInput {
    private static let readBytes = 64 << 10
    private static let waitMilliseconds: Int32 = 500

    private func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        defer { buffer.deallocate() }
        var file: Descriptor?
        var size = 0
        var endsLine = true
        while !isStopped.load(ordering: .acquiring) {
            var poll = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            let isFull = state.withLock { $0.bytes >= Self.maxBytes }
            if isFull {
                Log.limited(
                    .warning,
                    key: "stdin full",
                    "standard input waits: 1 GiB of it is not stored yet"
                )
            }
            // Without descriptors poll(2) just waits.
            guard Glibc.poll(&poll, isFull ? 0 : 1, Self.waitMilliseconds) > 0 else { continue }
            let count = read(source, buffer.baseAddress, Self.readBytes)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                if count < 0 { Log.error("standard input cannot be read", ["error": "\(Errno.current)"]) }
                break
            }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            // A file ends with a line, so that no line is in two.
            let isLarge = size + count > Self.maxFileBytes
            let cut = isLarge ? bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0 : 0
            if isLarge, cut > 0 || endsLine {
                write(UnsafeRawBufferPointer(rebasing: bytes[..<cut]), to: &file)
                file = nil
                size = 0
            }
            write(UnsafeRawBufferPointer(rebasing: bytes[cut...]), to: &file)
            size += count - cut
            endsLine = bytes[count - 1] == UInt8(ascii: "\n")
        }
        // The end of the input ends its last line.
        if !endsLine, !isStopped.load(ordering: .acquiring) {
            let feed: [UInt8] = [UInt8(ascii: "\n")]
            feed.withUnsafeBytes { write($0, to: &file) }
        }
        state.withLock { state in
            state.current = nil
            state.isAtEnd = !isStopped.load(ordering: .acquiring)
        }
        waker.wake()
    }

    /// Appends to the current file, or to a new one; tries again until it can.
    private func write(_ bytes: UnsafeRawBufferPointer, to file: inout Descriptor?) {
        var rest = bytes
        while !rest.isEmpty, !isStopped.load(ordering: .acquiring) {
            do throws(Errno) {
                if file == nil { file = try openNext() }
                guard let raw = file?.raw else { return }
                let count = try Errno.check { Glibc.write(raw, rest.baseAddress, rest.count) }
                state.withLock { $0.bytes += count }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } catch {
                Log.limited(
                    .error,
                    key: "stdin write",
                    "standard input waits: its lines cannot be put into the data directory",
                    ["path": directory, "error": "\(error)"]
                )
                _ = Glibc.poll(nil, 0, Self.waitMilliseconds)
            }
        }
    }

    private func openNext() throws(Errno) -> Descriptor {
        let path = directory + "/\(Clock.now.nanoseconds).log"
        // Named before it is there, so that it is not taken for one that is finished.
        state.withLock { $0.current = path }
        return try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND)
    }
}
