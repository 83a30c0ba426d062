import Common
import Glibc

/// The spool's files in one directory: appends, marks, reads and removes what `SpoolLedger` counts.
///
/// Blocks for the disk. Used by one thread; the format is drawn in `SpoolFormat`.
final class SpoolDirectory {
    /// A segment is not continued above this: when a segment is done its file goes as a whole.
    static let segmentBytes = 16 << 20

    /// A record that is safely on the disk.
    struct Placed: Equatable {
        let segment: Int
        var record: SpoolRecord
    }

    /// The segment that is being appended to.
    private final class Current {
        let number: Int
        let path: String
        let file: Descriptor
        /// Bytes that are safe or on their way to be; a failed write leaves nothing behind them.
        var bytes: Int

        init(number: Int, path: String, file: consuming Descriptor, bytes: Int) {
            self.number = number
            self.path = path
            self.file = file
            self.bytes = bytes
        }
    }

    let path: String
    let segmentLimit: Int
    /// No segment of this or a higher number exists.
    private var nextNumber = 1
    private var current: Current?
    /// Damaged parts of segments that are not yet in files of their own.
    private var unsaved: [Int: [Range<Int>]] = [:]
    /// Files with damaged bytes.
    private(set) var damagedFiles = 0

    init(_ path: String, segmentLimit: Int = segmentBytes) {
        self.path = path
        self.segmentLimit = segmentLimit
    }

    // MARK: - Appending

    /// Appends a batch for each element and returns when they are on the disk.
    ///
    /// - Parameters:
    ///   - time: written with each.
    ///   - room: bytes that the directory may still grow by.
    ///   - maxBytes: of the whole spool, for the message.
    /// - Returns: where the first ones are; the others were not written because of `failure`.
    func append(
        _ batches: [BulkBatch],
        time: CalendarTime,
        room: Int,
        maxBytes: Int
    ) -> (placed: [Placed], failure: SpoolError?) {
        var room = room
        var synced: [Placed] = []
        var written: [Placed] = []
        var failure: SpoolError?
        for batch in batches {
            let size = SpoolFormat.recordHeaderBytes + batch.byteCount
            guard size <= room else {
                failure = .full(maxBytes: maxBytes)
                break
            }
            do {
                if let current, current.bytes + size > segmentLimit, current.bytes > Self.emptyBytes {
                    try sync(&written, into: &synced)
                    self.current = nil
                }
                written.append(try write(batch, time: time))
                room -= size
            } catch {
                failure = error
                break
            }
        }
        do { try sync(&written, into: &synced) } catch { failure = failure ?? error }
        return (synced, failure)
    }

    private static let emptyBytes = SpoolFormat.segmentHeader.count

    private func write(_ batch: BulkBatch, time: CalendarTime) throws(SpoolError) -> Placed {
        let segment: Current
        if let current { segment = current } else { segment = try begin() }
        let before = segment.bytes
        var header = ByteBuffer(capacity: SpoolFormat.recordHeaderBytes)
        let record = batch.bytes.withUnsafeBytes { payload in
            SpoolFormat.RecordHeader(
                length: payload.count,
                documents: batch.documentCount,
                check: CRC32.checksum(payload),
                time: time
            )
        }
        SpoolFormat.append(record, to: &header)
        do {
            try header.withUnsafeBytes { (bytes) throws(Errno) in
                try segment.file.writeAll(bytes, at: before)
            }
            try batch.bytes.withUnsafeBytes { (bytes) throws(Errno) in
                try segment.file.writeAll(bytes, at: before + header.count)
            }
        } catch {
            cut(segment, to: before)
            throw .failed(step: "write", path: segment.path, cause: error)
        }
        segment.bytes += header.count + batch.byteCount
        return Placed(segment: segment.number, record: SpoolRecord(offset: before, record))
    }

    /// Syncs what was written to the current segment.
    private func sync(_ written: inout [Placed], into synced: inout [Placed]) throws(SpoolError) {
        defer { written = [] }
        guard let segment = current, let first = written.first else { return }
        do { try segment.file.syncData() } catch {
            // What the system could not write it forgets: nothing behind the last good sync may be trusted.
            cut(segment, to: Int(first.record.offset))
            current = nil
            throw .failed(step: "sync", path: segment.path, cause: error)
        }
        synced += written
    }

    /// Cuts what a failed write left; a file that cannot even be cut is not continued.
    private func cut(_ segment: Current, to length: Int) {
        segment.bytes = length
        if ftruncate(segment.file.raw, off_t(length)) != 0 { current = nil }
    }

    private func begin() throws(SpoolError) -> Current {
        let number = nextNumber
        let path = segmentPath(number)
        let file = try SpoolError.step("create", path) { () throws(Errno) in
            try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
        }
        nextNumber += 1
        let segment = Current(number: number, path: path, file: file, bytes: 0)
        do {
            try SpoolError.step("write", path) { () throws(Errno) in
                var header = ByteBuffer()
                header.append(SpoolFormat.segmentHeader)
                try header.withUnsafeBytes { (bytes) throws(Errno) in
                    try segment.file.writeAll(bytes, at: 0)
                }
            }
            try SpoolError.files { () throws(AtomicFile.Failure) in try AtomicFile.syncDirectory(of: path) }
        } catch {
            unlink(path)
            throw error
        }
        segment.bytes = Self.emptyBytes
        current = segment
        return segment
    }

    // MARK: - Marks

    /// Notes that records of one segment are done; in the page cache is enough.
    func mark(_ records: [SpoolRecord], in number: Int) throws(SpoolError) {
        var marks = ByteBuffer(capacity: records.count * SpoolFormat.markBytes)
        for record in records {
            marks.append(littleEndian: record.offset)
            marks.append(littleEndian: record.check)
        }
        let path = donePath(number)
        try SpoolError.step("write", path) { () throws(Errno) in
            let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
            let raw = file.raw
            let end = try Errno.check { lseek(raw, 0, SEEK_END) }
            let whole = Int(end) / SpoolFormat.markBytes * SpoolFormat.markBytes
            try marks.withUnsafeBytes { (bytes) throws(Errno) in
                try file.writeAll(bytes, at: whole)
            }
        }
    }

    /// Deletes the files of a segment that is done.
    func remove(_ number: Int) throws(SpoolError) {
        try saveDamaged(of: number)
        if current?.number == number { current = nil }
        // The segment first: marks without a segment are harmless, the other way round it would be sent again.
        for path in [segmentPath(number), donePath(number)] {
            try SpoolError.step("delete", path) { () throws(Errno) in
                try Errno.check(tolerating: .notFound) { unlink(path) }
            }
        }
    }

    // MARK: - Reading

    /// Appends the documents of a record to `batch`.
    ///
    /// - Throws: `damaged` when they are no longer what was written; `batch` is then what it was.
    func read(_ record: SpoolRecord, of number: Int, into batch: BulkBatch) throws(SpoolError) {
        let path = segmentPath(number)
        var check: UInt32 = 0
        let isWhole = try SpoolError.step("read", path) { () throws(Errno) -> Bool in
            let file = try Descriptor.open(path, O_RDONLY)
            return try batch.append(documents: Int(record.documents), length: Int(record.length)) {
                (free) throws(Errno) in
                try Self.readAll(into: free, from: file, at: record.payload)
                check = CRC32.checksum(UnsafeRawBufferPointer(free))
            }
        }
        if isWhole, check == record.check { return }
        if isWhole { batch.removeLast(Int(record.documents)) }
        throw .damaged(path: path, offset: Int(record.offset))
    }

    private static func readAll(
        into bytes: UnsafeMutableRawBufferPointer,
        from file: borrowing Descriptor,
        at offset: Int
    ) throws(Errno) {
        let count = try file.readAll(into: bytes, at: offset)
        // Shorter than it was: what is missing is zero and does not match its checksum.
        let missing = UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
        missing.initializeMemory(as: UInt8.self, repeating: 0)
    }

    // MARK: - Damage

    /// Keeps damaged bytes in a file of their own, at once or at the latest before the segment is deleted.
    func setAside(_ range: Range<Int>, of number: Int) {
        unsaved[number, default: []].append(range)
        do { try saveDamaged(of: number) } catch {
            Log.error("damaged bytes of the spool stay in their segment for now", ["reason": "\(error)"])
        }
    }

    private func saveDamaged(of number: Int) throws(SpoolError) {
        while let range = unsaved[number]?.last {
            do { try save(range, of: number) } catch .failed(_, let path, .notFound) {
                Log.error("a damaged part of the spool is lost: someone deleted its file", ["path": path])
            }
            unsaved[number]?.removeLast()
        }
        unsaved[number] = nil
    }

    private func save(_ range: Range<Int>, of number: Int) throws(SpoolError) {
        let source = segmentPath(number)
        let target = "\(path)/\(Self.digits(number))-\(range.lowerBound)\(Self.damagedSuffix)"
        var bytes = ByteBuffer(capacity: range.count)
        try SpoolError.step("read", source) { () throws(Errno) in
            let file = try Descriptor.open(source, O_RDONLY)
            try bytes.append(reserving: range.count) { (free) throws(Errno) in
                let part = UnsafeMutableRawBufferPointer(rebasing: free[..<range.count])
                try Self.readAll(into: part, from: file, at: range.lowerBound)
                return range.count
            }
        }
        var status = stat()
        let isNew = stat(target, &status) != 0
        try SpoolError.files { () throws(AtomicFile.Failure) in
            try bytes.withUnsafeBytes { (bytes) throws(AtomicFile.Failure) in
                try AtomicFile.write(bytes, to: target)
            }
        }
        if isNew { damagedFiles += 1 }
        Log.error(
            "a part of the spool is damaged and cannot be sent; it is kept for you to look at",
            ["path": target, "bytes": String(range.count)]
        )
    }

    /// Whether anything can be written at all: writes, syncs and deletes a small file.
    func probe() throws(SpoolError) {
        let path = "\(path)/probe"
        defer { unlink(path) }
        var block = ByteBuffer(capacity: Self.probeBytes)
        for _ in 0..<Self.probeBytes { block.append(UInt8(ascii: " ")) }
        try SpoolError.step("write", path) { () throws(Errno) in
            let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
            try block.withUnsafeBytes { (bytes) throws(Errno) in try file.writeAll(bytes) }
            try file.syncData()
        }
    }

    /// More than the slack that file systems find for small files when they are full.
    private static let probeBytes = 64 << 10

    // MARK: - Names

    static let segmentSuffix = ".spool"
    static let doneSuffix = ".done"
    static let damagedSuffix = ".damaged"

    func segmentPath(_ number: Int) -> String { "\(path)/\(Self.digits(number))\(Self.segmentSuffix)" }

    func donePath(_ number: Int) -> String { "\(path)/\(Self.digits(number))\(Self.doneSuffix)" }

    static func digits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(10 - digits.count, 0)) + digits
    }

    /// Takes over what `SpoolRecovery` found.
    func found(damagedFiles count: Int, nextNumber: Int) {
        damagedFiles = count
        self.nextNumber = nextNumber
    }
}
