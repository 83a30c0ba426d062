import Common
import Glibc

/// The files that hold events until their traces are decided: `tail-0000000001.log` and so on, records behind
/// one another.
///
/// Appended to, read at any place, and removed as whole files. Blocks for the disk. Used by one thread.
final class TailLog {
    struct Failure: Error, CustomStringConvertible {
        let step: String
        let path: String
        let cause: Errno

        var description: String { "cannot \(step) \(path): \(cause)" }
    }

    private final class Segment {
        let path: String
        let file: Descriptor
        var bytes: Int

        init(path: String, file: consuming Descriptor, bytes: Int) {
            self.path = path
            self.file = file
            self.bytes = bytes
        }
    }

    private static let prefix = "tail-"
    private static let suffix = ".log"

    let directory: String
    private let segmentBytes: Int
    private var segments: [UInt32: Segment] = [:]
    /// The segment that is being appended to; earlier ones never are again.
    private var current: UInt32?
    private var last: UInt32 = 0
    private(set) var totalBytes = 0

    /// Whether an earlier run left files.
    static func exists(in directory: String) -> Bool {
        // A directory that cannot be read is found out about by `init`, when there is need of it.
        ((try? numbers(in: directory)) ?? []).isEmpty == false
    }

    /// Opens the files of an earlier run.
    ///
    /// - Parameter segmentBytes: a file is not continued above this.
    init(_ directory: String, segmentBytes: Int) throws {
        self.directory = directory
        self.segmentBytes = segmentBytes
        try Path.createDirectories(directory)
        for number in try Self.numbers(in: directory) {
            let path = path(number)
            let file = try Self.step("open", path) { () throws(Errno) in try Descriptor.open(path, O_RDWR) }
            var status = stat()
            let raw = file.raw
            try Self.step("look at", path) { () throws(Errno) in try Errno.check { fstat(raw, &status) } }
            segments[number] = Segment(path: path, file: file, bytes: Int(status.st_size))
            totalBytes += Int(status.st_size)
            last = max(last, number)
        }
    }

    // MARK: - Reading

    /// Calls `body` with every record of an earlier run, in the order they were written.
    ///
    /// A crash may have cut the last one off: nobody was told that it was safe. Other bytes that are no record are
    /// damage, and skipped.
    func scan(_ body: (TailRecord, TailIndex.Location) -> Void) throws(Failure) {
        for number in segments.keys.sorted() {
            guard let segment = segments[number] else { continue }
            var bytes = ByteBuffer(capacity: segment.bytes)
            try read(segment, at: 0, length: segment.bytes, into: &bytes)
            var damaged = 0
            bytes.withSpan { span in
                var offset = 0
                while offset < span.byteCount {
                    guard let record = TailRecord.read(span, at: offset) else {
                        // What stands behind damage was promised as well.
                        offset += 1
                        damaged += 1
                        continue
                    }
                    let length = UInt32(record.end - offset)
                    body(record, .init(segment: number, offset: UInt32(offset), length: length))
                    offset = record.end
                }
            }
            if damaged > 0 {
                Log.warning(
                    "a file of held events has bytes that are no record",
                    ["path": segment.path, "bytes": String(damaged)]
                )
            }
        }
    }

    /// Appends the record at `location` to `bytes`.
    func read(_ location: TailIndex.Location, into bytes: inout ByteBuffer) throws(Failure) {
        guard let segment = segments[location.segment] else {
            throw Failure(step: "find", path: path(location.segment), cause: .notFound)
        }
        try read(segment, at: Int(location.offset), length: Int(location.length), into: &bytes)
    }

    private func read(_ segment: Segment, at offset: Int, length: Int, into bytes: inout ByteBuffer)
        throws(Failure)
    {
        try Self.step("read", segment.path) { () throws(Errno) in
            try bytes.append(reserving: length) { (free) throws(Errno) in
                let part = UnsafeMutableRawBufferPointer(rebasing: free[..<length])
                guard try segment.file.readAll(into: part, at: offset) == length else { throw Errno(EIO) }
                return length
            }
        }
    }

    // MARK: - Writing

    /// Appends records.
    ///
    /// - Parameter isSynced: whether they must be on the disk on return.
    /// - Returns: where they begin. After an error nothing was appended.
    func append(_ records: borrowing ByteBuffer, isSynced: Bool) throws(Failure) -> (
        segment: UInt32, offset: Int
    ) {
        let (number, segment) = try segment(for: records.count)
        let before = segment.bytes
        do throws(Errno) {
            try records.withUnsafeBytes { (bytes) throws(Errno) in
                try segment.file.writeAll(bytes, at: before)
            }
            if isSynced { try segment.file.syncData() }
        } catch {
            // What the system could not write it forgets: the next records go into a file of their own. A
            // record that stays here although it was refused is at worst stored twice, as one document.
            _ = ftruncate(segment.file.raw, off_t(before))
            current = nil
            throw Failure(step: "write", path: segment.path, cause: error)
        }
        segment.bytes += records.count
        totalBytes += records.count
        return (number, before)
    }

    private func segment(for count: Int) throws(Failure) -> (UInt32, Segment) {
        if let current, let segment = segments[current],
            segment.bytes == 0 || segment.bytes + count <= segmentBytes
        {
            return (current, segment)
        }
        let number = last + 1
        let path = path(number)
        let file = try Self.step("create", path) { () throws(Errno) in
            try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
        }
        do { try AtomicFile.syncDirectory(of: path) } catch {
            unlink(path)
            throw Failure(step: error.step, path: error.path, cause: error.cause)
        }
        let segment = Segment(path: path, file: file, bytes: 0)
        segments[number] = segment
        current = number
        last = number
        return (number, segment)
    }

    // MARK: - Room

    /// Does not append to the current file any more.
    func seal() { current = nil }

    /// Bytes of the current file.
    var currentBytes: Int { current.flatMap { segments[$0]?.bytes } ?? 0 }

    /// Files that are not appended to any more, with their bytes, the oldest first: what is noted of events lies behind
    /// them, and must not go before them.
    var sealed: [(number: UInt32, bytes: Int)] {
        segments.filter { $0.key != current }.map { ($0.key, $0.value.bytes) }.sorted { $0.0 < $1.0 }
    }

    func remove(_ number: UInt32) throws(Failure) {
        guard number != current, let segment = segments[number] else { return }
        try Self.step("remove", segment.path) { () throws(Errno) in
            try Errno.check(tolerating: .notFound) { unlink(segment.path) }
        }
        segments[number] = nil
        totalBytes -= segment.bytes
    }

    /// The used share of the file system, from 0 to 1; nil when it does not say.
    var diskUsage: Double? {
        var status = statvfs()
        guard statvfs(directory, &status) == 0, status.f_blocks > 0 else { return nil }
        return 1 - Double(status.f_bavail) / Double(status.f_blocks)
    }

    // MARK: - Names

    private func path(_ number: UInt32) -> String {
        var name = ByteBuffer(capacity: 32)
        name.append(Self.prefix)
        name.append(decimal: Int(number), width: 10)
        name.append(Self.suffix)
        return "\(directory)/\(name.text)"
    }

    private static func numbers(in directory: String) throws(Failure) -> [UInt32] {
        let names = try step("read", directory) { () throws(Errno) in try Path.names(in: directory) }
        var numbers: [UInt32] = []
        for name in names {
            guard name.hasPrefix(prefix), name.hasSuffix(suffix),
                let number = UInt32(name.dropFirst(prefix.count).dropLast(suffix.count))
            else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    @discardableResult
    private static func step<Result: ~Copyable>(
        _ name: String,
        _ path: String,
        _ body: () throws(Errno) -> Result
    ) throws(Failure) -> Result {
        do { return try body() } catch { throw Failure(step: name, path: path, cause: error) }
    }
}
