import Common
import Foundation
import Testing

@testable import APMServer

@Suite("Spool directory")
struct SpoolDirectoryTests {
    private static let time = CalendarTime(seconds: 1_795_341_600)

    /// A spool and what it holds, as `Delivery` would keep it.
    private struct Spool {
        let folder: TemporaryFolder
        let directory: SpoolDirectory
        var ledger: SpoolLedger

        /// Opens the spool below `folder`, as a start of the program does.
        init(_ folder: TemporaryFolder, segmentLimit: Int = 400) throws {
            self.folder = folder
            directory = SpoolDirectory(folder.path + "/spool", segmentLimit: segmentLimit)
            ledger = try SpoolRecovery.run(directory)
        }

        @discardableResult
        mutating func append(_ batches: [[String]], room: Int = .max) -> SpoolError? {
            let (placed, failure) = directory.append(
                batches.map { BulkBatch.of($0) },
                time: SpoolDirectoryTests.time,
                room: room,
                maxBytes: 999
            )
            for one in placed { _ = ledger.appended(one.record, to: one.segment) }
            return failure
        }

        /// Takes everything that waits, in order.
        mutating func replay() throws -> [[String]] {
            var batches: [[String]] = []
            while let id = ledger.take(maxBytes: 1).first, let record = ledger[id] {
                let batch = BulkBatch()
                try directory.read(record, of: id.segment, into: batch)
                batches.append(batch.ids)
            }
            return batches
        }

        mutating func done(_ id: SpoolLedger.RecordID) throws {
            let record = try #require(ledger[id])
            ledger.done(id)
            try directory.mark([record], in: id.segment)
        }
    }

    private static let batches = [["a"], ["b", "c"], ["d"], ["e"], ["f"], ["g", "h"]]

    @Test("gives back what it took, in order, over segments and starts")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder)
        #expect(spool.append(Array(Self.batches[..<4])) == nil)
        #expect(spool.append(Array(Self.batches[4...])) == nil)
        #expect(folder.names("spool").count > 1)
        #expect(try spool.replay() == Self.batches)
        var again = try Spool(folder)
        #expect(again.ledger.documents == 8 && again.ledger.records == 6)
        #expect(again.ledger.bytes == spool.ledger.bytes)
        // A start never continues a file of an earlier run.
        let before = folder.names("spool")
        again.append([["i"]])
        #expect(folder.names("spool").count == before.count + 1)
        #expect(try again.replay() == Self.batches + [["i"]])
    }

    @Test("leaves out what was marked done, also when the mark is torn or foreign")
    func marks() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder, segmentLimit: 10_000)
        spool.append(Self.batches)
        try spool.done(.init(segment: 1, index: 1))
        try spool.done(.init(segment: 1, index: 4))
        var again = try Spool(folder)
        #expect(try again.replay() == [["a"], ["d"], ["e"], ["g", "h"]])
        let path = "spool/0000000001.done"
        let marks = try folder.bytes(path)
        #expect(marks.count == 16)
        for length in 0..<16 {
            try folder.write(Array(marks[..<length]), to: path)
            var cut = try Spool(folder)
            #expect(cut.ledger.records == (length < 8 ? 6 : 5))
            // The next mark stands where the torn one was.
            try cut.done(.init(segment: 1, index: 0))
            var next = try Spool(folder)
            #expect(try next.replay().first == (length < 8 ? ["b", "c"] : ["d"]))
        }
        try folder.write([8, 0, 0, 0, 1, 2, 3, 4], to: path)
        #expect(try Spool(folder).ledger.records == 6)
    }

    @Test("deletes a segment with its marks, and marks without a segment")
    func removal() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder)
        spool.append([["a"], ["b"]])
        try spool.done(.init(segment: 1, index: 0))
        try spool.done(.init(segment: 1, index: 1))
        for number in spool.ledger.finished { try spool.directory.remove(number) }
        spool.ledger.removed(1)
        #expect(folder.names("spool") == [])
        spool.append([["c"]])
        #expect(folder.names("spool") == ["0000000002.spool"])
        try folder.write([1, 2, 3], to: "spool/0000000001.done")
        try folder.write([1, 2, 3], to: "spool/notes.txt")
        var again = try Spool(folder)
        #expect(folder.names("spool") == ["0000000002.spool", "notes.txt"])
        #expect(try again.replay() == [["c"]])
    }

    @Test("starts again from a file that was cut at any byte")
    func torn() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder, segmentLimit: 10_000)
        let batches = Array(Self.batches[..<3])
        spool.append(batches)
        let path = "spool/0000000001.spool"
        let bytes = try folder.bytes(path)
        let ends = (spool.ledger.segments[1]?.records ?? []).map(\.end)
        for length in stride(from: bytes.count, through: 0, by: -1) {
            try folder.write(Array(bytes[..<length]), to: path)
            var cut = try Spool(folder)
            let whole = ends.count { $0 <= length }
            #expect(try cut.replay() == Array(batches[..<whole]))
            // Cut for good: the next start has nothing to say about it.
            #expect(try folder.bytes(path).count == (ends.last { $0 <= length } ?? (length < 8 ? 0 : 8)))
        }
        #expect(folder.names("spool").allSatisfy { !$0.hasSuffix("damaged") })
    }

    @Test("sets damaged bytes aside and sends the rest")
    func damaged() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder, segmentLimit: 10_000)
        spool.append(Self.batches)
        let path = "spool/0000000001.spool"
        var bytes = try folder.bytes(path)
        let record = try #require(spool.ledger[.init(segment: 1, index: 2)])
        bytes[record.payload + 3] ^= 4
        try folder.write(bytes, to: path)
        // Noticed by a running service.
        #expect(throws: SpoolError.damaged(path: folder.path + "/" + path, offset: Int(record.offset))) {
            let batch = BulkBatch.of(["before"])
            defer { #expect(batch.ids == ["before"]) }
            try spool.directory.read(record, of: 1, into: batch)
        }
        // And by the next start.
        var again = try Spool(folder)
        #expect(again.directory.damagedFiles == 1)
        #expect(try again.replay() == [["a"], ["b", "c"], ["e"], ["f"], ["g", "h"]])
        let kept = try folder.bytes("spool/0000000001-\(record.offset).damaged")
        #expect(kept == Array(bytes[Int(record.offset)..<record.end]))
        // The same damage is not counted twice, and outlives its segment.
        again = try Spool(folder)
        #expect(again.directory.damagedFiles == 1)
        try again.directory.remove(1)
        #expect(folder.names("spool") == ["0000000001-\(record.offset).damaged"])
        again = try Spool(folder)
        again.append([["x"]])
        #expect(folder.names("spool").last == "0000000002.spool")
    }

    @Test("misses nothing but a file that someone deleted")
    func missing() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder, segmentLimit: 1)
        spool.append(Self.batches)
        #expect(folder.names("spool").count == 6)
        try FileManager.default.removeItem(atPath: folder.path + "/spool/0000000003.spool")
        #expect(throws: SpoolError.self) { try spool.replay() }
        var again = try Spool(folder)
        #expect(try again.replay() == [["a"], ["b", "c"], ["e"], ["f"], ["g", "h"]])
    }

    @Test("refuses a spool of a newer version")
    func version() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder)
        spool.append([["a"]])
        try folder.write(Array("ELKFASP".utf8) + [9, 1, 2, 3], to: "spool/0000000007.spool")
        let path = folder.path + "/spool/0000000007.spool"
        #expect(throws: SpoolError.version(path: path, 9)) { try Spool(folder) }
    }

    @Test("takes no more than there is room for, and goes on when there is room again")
    func full() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder)
        let one = SpoolFormat.recordHeaderBytes + BulkBatch.of(["a"]).byteCount
        #expect(spool.append([["a"], ["b"], ["c"]], room: 2 * one) == .full(maxBytes: 999))
        #expect(spool.ledger.records == 2)
        #expect(spool.append([["c"]], room: one) == nil)
        #expect(try spool.replay() == [["a"], ["b"], ["c"]])
    }

    @Test("says why it cannot write, writes nothing by halves, and recovers by itself")
    func failing() throws {
        let folder = try TemporaryFolder()
        var spool = try Spool(folder, segmentLimit: 1)
        spool.append([["a"]])
        // Each batch begins a segment here, for which there is no directory.
        let path = folder.path + "/spool"
        try FileManager.default.moveItem(atPath: path, toPath: path + "-away")
        let expected = SpoolError.failed(step: "create", path: path + "/0000000002.spool", cause: .notFound)
        #expect(spool.append([["b"]]) == expected)
        #expect(throws: SpoolError.self) { try spool.directory.probe() }
        try FileManager.default.moveItem(atPath: path + "-away", toPath: path)
        try spool.directory.probe()
        #expect(spool.append([["c"]]) == nil)
        #expect(folder.names("spool") == ["0000000001.spool", "0000000002.spool"])
        #expect(try spool.replay() == [["a"], ["c"]])
    }
}
