import Common
import Glibc

/// Reads the spool of an earlier run at start.
enum SpoolRecovery {
    /// The names of the spool's files.
    private struct Names {
        var segments: [Int] = []
        var marks: [Int] = []
        var damagedFiles = 0
        /// Highest number in any name.
        var last = 0
    }

    /// Finds every record that is not done.
    ///
    /// Cuts records that a crash left half-written, and sets damaged bytes aside.
    static func run(_ directory: SpoolDirectory) throws(SpoolError) -> SpoolLedger {
        try SpoolError.files { () throws(AtomicFile.Failure) in
            try Path.createDirectories(directory.path)
        }
        let names = try list(directory.path)
        for number in names.marks where !names.segments.contains(number) {
            // A crash between the two deletions of a finished segment.
            unlink(directory.donePath(number))
        }
        directory.found(damagedFiles: names.damagedFiles, nextNumber: names.last + 1)
        var ledger = SpoolLedger()
        for number in names.segments { try read(number, directory, &ledger) }
        if ledger.records > 0 {
            Log.info(
                "the spool holds documents of an earlier run; they are sent now",
                [
                    "batches": String(ledger.records), "documents": String(ledger.documents),
                    "bytes": String(ledger.bytes),
                ]
            )
        }
        return ledger
    }

    private static func read(
        _ number: Int,
        _ directory: SpoolDirectory,
        _ ledger: inout SpoolLedger
    ) throws(SpoolError) {
        let path = directory.segmentPath(number)
        let bytes = try contents(path)
        let scan = bytes.withUnsafeBytes { SpoolScan($0) }
        if let version = scan.foreignVersion { throw .version(path: path, version) }
        if scan.end < bytes.count { cut(path, to: scan.end, from: bytes.count) }
        for range in scan.damaged { directory.setAside(range, of: number) }
        let done = marks(directory.donePath(number))
        var records = scan.records
        for index in records.indices where done[records[index].offset] == records[index].check {
            records[index].state = .done
        }
        ledger.found(number, records, bytes: scan.end)
    }

    private static func cut(_ path: String, to end: Int, from size: Int) {
        Log.warning(
            "a record of the spool was cut off by a crash before it was promised to anyone; it is dropped",
            ["path": path, "bytes": String(size - end)]
        )
        if truncate(path, off_t(end)) != 0 {
            Log.warning("cannot cut the spool's file", ["path": path, "reason": "\(Errno.current)"])
        }
    }

    private static func contents(_ path: String) throws(SpoolError) -> ByteBuffer {
        try SpoolError.step("read", path) { () throws(Errno) -> ByteBuffer in
            let file = try Descriptor.open(path, O_RDONLY)
            let raw = file.raw
            var status = stat()
            try Errno.check { fstat(raw, &status) }
            var bytes = ByteBuffer(capacity: Int(status.st_size) + 1)
            while true {
                let before = bytes.count
                try bytes.append(reserving: 1) { (free) throws(Errno) in try file.read(into: free) }
                if bytes.count == before { return bytes }
            }
        }
    }

    /// Checksums of the records that are done, by offset.
    private static func marks(_ path: String) -> [UInt32: UInt32] {
        let bytes: ByteBuffer
        do { bytes = try contents(path) } catch {
            if case .failed(_, _, .notFound) = error { return [:] }
            Log.warning(
                "cannot read which batches of the spool are stored; all are sent again, and the store answers "
                    + "that it has them",
                ["reason": "\(error)"]
            )
            return [:]
        }
        var marks: [UInt32: UInt32] = [:]
        bytes.withUnsafeBytes { bytes in
            for index in 0..<bytes.count / SpoolFormat.markBytes {
                let offset = SpoolFormat.integer(bytes, at: index * SpoolFormat.markBytes)
                marks[offset] = SpoolFormat.integer(bytes, at: index * SpoolFormat.markBytes + 4)
            }
        }
        return marks
    }

    private static func list(_ directory: String) throws(SpoolError) -> Names {
        let found = try SpoolError.step("read the directory", directory) { () throws(Errno) in
            try Path.names(in: directory)
        }
        var names = Names()
        for name in found {
            guard let number = Int(name.prefix { ("0"..."9").contains($0) }) else { continue }
            if name == SpoolDirectory.digits(number) + SpoolDirectory.segmentSuffix {
                names.segments.append(number)
            } else if name == SpoolDirectory.digits(number) + SpoolDirectory.doneSuffix {
                names.marks.append(number)
            } else if name.hasSuffix(SpoolDirectory.damagedSuffix) {
                names.damagedFiles += 1
            }
            names.last = max(names.last, number)
        }
        names.segments.sort()
        return names
    }
}
