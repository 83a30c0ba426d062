import Common
import Foundation
import Testing

@testable import APMServer

@Suite("Spool on a bad disk", .enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
struct SpoolDiskTests {
    private static let time = CalendarTime(seconds: 1_795_341_600)

    /// Ids of everything that waits in the spool of this folder.
    private func contents(_ path: String) throws -> [String] {
        let directory = SpoolDirectory(path)
        var ledger = try SpoolRecovery.run(directory)
        let batch = BulkBatch()
        while let id = ledger.take(maxBytes: 1).first, let record = ledger[id] {
            try directory.read(record, of: id.segment, into: batch)
        }
        return batch.ids
    }

    @Test(
        "keeps what it promised when the disk fills up in the middle of a record, and goes on when there is room"
    )
    func full() throws {
        let disk = try SmallDisk()
        let path = disk.path + "/spool"
        let directory = SpoolDirectory(path)
        _ = try SpoolRecovery.run(directory)
        var kept: [String] = []
        var failure: SpoolError?
        // A group: what is in front of the failure is kept.
        for round in 0..<200 where failure == nil {
            let ids = ["\(round)a", "\(round)b", "\(round)c"]
            let batches = ids.map { BulkBatch.of([$0], padding: 3000) }
            let result = directory.append(batches, time: Self.time, room: .max, maxBytes: .max)
            kept += ids.prefix(result.placed.count)
            failure = result.failure
        }
        let segment = path + "/0000000001.spool"
        #expect(failure == .failed(step: "write", path: segment, cause: .noSpace))
        #expect(kept.count > 10)
        #expect(throws: SpoolError.self) { try directory.probe() }
        #expect(try contents(path) == kept)
        // Room again: the next record stands right behind the last good one.
        try FileManager.default.removeItem(atPath: disk.filler)
        try directory.probe()
        let result = directory.append(
            [BulkBatch.of(["z"], padding: 3000)],
            time: Self.time,
            room: .max,
            maxBytes: .max
        )
        #expect(result.failure == nil && result.placed.count == 1)
        #expect(try contents(path) == kept + ["z"])
    }

    @Test("says that the disk is read-only, and writes when it is not")
    func readOnly() throws {
        let disk = try SmallDisk()
        let path = disk.path + "/spool"
        let directory = SpoolDirectory(path)
        _ = try SpoolRecovery.run(directory)
        func append(_ id: String) -> SpoolError? {
            directory.append([BulkBatch.of([id])], time: Self.time, room: .max, maxBytes: .max).failure
        }
        try disk.remount("ro")
        let path1 = path + "/0000000001.spool"
        #expect(append("a") == .failed(step: "create", path: path1, cause: Errno(EROFS)))
        #expect(throws: SpoolError.self) { try directory.probe() }
        try disk.remount("rw")
        try directory.probe()
        #expect(append("b") == nil)
        #expect(try contents(path) == ["b"])
    }
}

/// A file system of 256 KiB, half of it taken by a file.
private final class SmallDisk {
    let path: String
    var filler: String { path + "/filler" }

    static let canMount: Bool = {
        guard geteuid() == 0 else { return false }
        return (try? SmallDisk()) != nil
    }()

    init() throws {
        path = NSTemporaryDirectory() + "/elkfa-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path)
        try Data(count: 128 << 10).write(to: URL(fileURLWithPath: filler))
    }

    deinit {
        try? Self.run("umount", "-l", path)
        try? FileManager.default.removeItem(atPath: path)
    }

    func remount(_ mode: String) throws { try Self.run("mount", "-o", "remount,\(mode)", path) }

    private struct Failed: Error {}

    private static func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw Failed() }
    }
}
