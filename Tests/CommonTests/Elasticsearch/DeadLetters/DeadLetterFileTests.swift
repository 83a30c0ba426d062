import Common
import Foundation
import Testing

@Suite("Dead-letter file")
struct DeadLetterFileTests {
    private final class Folder {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "/elkfa-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// Names of the files, in order, with their lines.
        func files() throws -> [(name: String, lines: [String])] {
            try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { name in
                let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
                return (name, text.split(separator: "\n").map(String.init))
            }
        }
    }

    private func batch(_ documents: [String]) -> BulkBatch {
        let batch = BulkBatch()
        for (number, document) in documents.enumerated() {
            batch.append(
                index: Array("nginx-2026.11.22".utf8).span.bytes,
                id: Array("id\"\(number)".utf8).span.bytes,
                document: Array(document.utf8).span.bytes
            )
        }
        return batch
    }

    private func burials(_ numbers: [Int]) -> [BulkProgress.Burial] {
        numbers.map {
            BulkProgress.Burial(
                document: $0,
                status: 400,
                type: "document_parsing_exception",
                reason: "no \"ip\"\n"
            )
        }
    }

    @Test("holds what a person needs to understand, mend and send the document again")
    func entry() throws {
        let folder = try Folder()
        let file = try DeadLetterFile(
            directory: folder.path + "/sub",
            limits: DeadLetterLimits(maxBytes: 1 << 20, whenFull: .removeOldest)
        )
        try file.append(burials([0, 1]), of: batch([#"{"a":{"b":[1]}}"#, #"{"broken": "#]))
        let path = folder.path + "/sub/dead-letters-000001.ndjson"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(file.totalBytes == lines.reduce(0) { $0 + $1.utf8.count + 1 })
        let first = try #require(
            try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
        )
        #expect(first["index"] as? String == "nginx-2026.11.22")
        #expect(first["id"] as? String == "id\"0")
        #expect(first["status"] as? Int == 400)
        #expect((first["error"] as? [String: String])?["reason"] == "no \"ip\"\n")
        #expect((first["error"] as? [String: String])?["type"] == "document_parsing_exception")
        #expect((first["@timestamp"] as? String)?.hasSuffix("Z") == true)
        #expect((first["reason"] as? String)?.isEmpty == false)
        #expect(first["document"] as? NSDictionary == ["a": ["b": [1]]])
        let second = try #require(
            try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any]
        )
        #expect(second["document_text"] as? String == #"{"broken": "#)
        #expect(second["document"] == nil)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? Int) == 0o600)
    }

    @Test("refuses what does not fit, and takes it when files were moved away")
    func full() throws {
        let folder = try Folder()
        let file = try DeadLetterFile(
            directory: folder.path,
            limits: DeadLetterLimits(maxBytes: 1000)
        )
        let one = batch([#"{"a":"\#(String(repeating: "x", count: 100))"}"#])
        var written = 0
        let error = #expect(throws: DeadLetterError.self) {
            while true {
                try file.append(burials([0]), of: one)
                written += 1
            }
        }
        #expect(error == .full(directory: folder.path, maxBytes: 1000))
        #expect(written == 2)
        #expect(try folder.files().flatMap(\.lines).count == 2)
        for (name, _) in try folder.files() {
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
        }
        try file.append(burials([0]), of: one)
        #expect(try folder.files().map(\.lines.count) == [1])
    }

    @Test("removes the oldest segments at the limit, and counts their letters")
    func removesOldest() throws {
        let folder = try Folder()
        let metrics = Metrics()
        let file = try DeadLetterFile(
            directory: folder.path,
            limits: DeadLetterLimits(maxBytes: 2000, whenFull: .removeOldest),
            removals: DeadLetterRemovals(metrics, service: "test")
        )
        for number in 0..<100 {
            let one = batch([#"{"number":\#(number)}"#])
            try file.append(burials([0]), of: one)
            let lines = try folder.files().flatMap(\.lines)
            #expect(lines.reduce(0) { $0 + $1.utf8.count + 1 } <= 2000)
            #expect(lines.last?.contains(#"{"number":\#(number)}"#) == true)
        }
        let kept = try folder.files().flatMap(\.lines).count
        let removed = metrics.counter("test_dead_letters_removed_total", "", [("reason", "max_bytes")])
        #expect(kept > 0 && removed.total == 100 - kept)
        // One that is larger than all may be stands alone.
        try file.append(burials([0]), of: batch([#"{"a":"\#(String(repeating: "x", count: 5000))"}"#]))
        #expect(try folder.files().flatMap(\.lines).count == 1)
    }

    /// What others do to the segment that is being written to.
    static let interventions: [(String, @Sendable (String) throws -> Void)] = [
        ("removed", { try FileManager.default.removeItem(atPath: $0) }),
        ("moved away", { try FileManager.default.moveItem(atPath: $0, toPath: $0 + ".away") }),
        (
            "replaced",
            { path in try Data("{}\n".utf8).write(to: URL(fileURLWithPath: path), options: .atomic) }
        ),
        (
            "edited in its place",
            { path in
                let handle = try #require(FileHandle(forWritingAtPath: path))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data("{}\n".utf8))
            }
        ),
    ]

    @Test("leaves a segment to whoever changed it, and begins a new one", arguments: interventions.indices)
    func changed(_ number: Int) throws {
        let folder = try Folder()
        let file = try DeadLetterFile(directory: folder.path, limits: DeadLetterLimits())
        let one = batch([#"{"a":1}"#])
        try file.append(burials([0]), of: one)
        let path = folder.path + "/dead-letters-000001.ndjson"
        try Self.interventions[number].1(path)
        let left = FileManager.default.contents(atPath: path)
        try file.append(burials([0]), of: one)
        #expect(FileManager.default.contents(atPath: path) == left)
        let second = try String(contentsOfFile: folder.path + "/dead-letters-000002.ndjson", encoding: .utf8)
        #expect(second.split(separator: "\n").count == 1)
    }

    @Test("leaves a segment that another process has locked alone, also when it should be removed")
    func locked() throws {
        let folder = try Folder()
        let file = try DeadLetterFile(
            directory: folder.path,
            limits: DeadLetterLimits(maxBytes: 2000, whenFull: .removeOldest)
        )
        let one = batch([#"{"a":1}"#])
        try file.append(burials([0]), of: one)
        let path = folder.path + "/dead-letters-000001.ndjson"
        let lock = try Descriptor.open(path, O_RDWR)
        try #require(flock(lock.raw, LOCK_EX | LOCK_NB) == 0)
        for _ in 0..<30 { try file.append(burials([0]), of: one) }
        let files = try folder.files()
        #expect(files.first?.name == "dead-letters-000001.ndjson" && files.first?.lines.count == 1)
        #expect(files.count > 1 && files[1].name != "dead-letters-000002.ndjson", "others were removed")
    }

    @Test("begins another file above a tenth of the whole, and goes on with the last after a restart")
    func rotation() throws {
        let folder = try Folder()
        let one = batch([#"{"a":1}"#])
        for _ in 0..<2 {
            let file = try DeadLetterFile(
                directory: folder.path,
                limits: DeadLetterLimits(maxBytes: 8000, whenFull: .removeOldest)
            )
            for _ in 0..<3 { try file.append(burials([0]), of: one) }
        }
        let files = try folder.files()
        #expect(files.map(\.name) == ["dead-letters-000001.ndjson", "dead-letters-000002.ndjson"])
        #expect(files.map(\.lines.count) == [3, 3])
    }

    @Test("keeps a last letter that an editor left without a line's end")
    func unterminated() throws {
        let folder = try Folder()
        let path = folder.path + "/dead-letters-000001.ndjson"
        try Data("{\"a\":1}\n{\"b\":2}".utf8).write(to: URL(fileURLWithPath: path))
        let file = try DeadLetterFile(directory: folder.path, limits: DeadLetterLimits())
        #expect(file.totalBytes == 16)
        try file.append(burials([0]), of: batch(["{}"]))
        let lines = try #require(try folder.files().first).lines
        #expect(lines.count == 3 && Array(lines[..<2]) == [#"{"a":1}"#, #"{"b":2}"#])
    }

    @Test("removes a line that a crash cut off")
    func partialLine() throws {
        let folder = try Folder()
        let path = folder.path + "/dead-letters-000004.ndjson"
        try Data("{\"a\":1}\n{\"b\":".utf8).write(to: URL(fileURLWithPath: path))
        let file = try DeadLetterFile(
            directory: folder.path,
            limits: DeadLetterLimits(maxBytes: 1 << 20, whenFull: .removeOldest)
        )
        #expect(file.totalBytes == 8)
        try file.append(burials([0]), of: batch(["{}"]))
        let lines = try #require(try folder.files().first).lines
        #expect(lines.count == 2)
        #expect(lines[0] == #"{"a":1}"#)
    }

    @Test(
        "loses nothing on a full disk: no part of a line stays, and it works again with room",
        .enabled(if: canMount, "mounting a small file system needs root and the right to mount")
    )
    func fullDisk() throws {
        let folder = try Folder()
        try #require(Self.run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path) == 0)
        defer { _ = Self.run("/usr/bin/umount", "-l", folder.path) }
        let file = try DeadLetterFile(directory: folder.path, limits: DeadLetterLimits())
        let large = batch([#"{"a":"\#(String(repeating: "x", count: 30_000))"}"#])
        try file.append(burials([0]), of: large)
        let error = #expect(throws: DeadLetterError.self) { try file.append(burials([0, 0]), of: large) }
        guard case .failed(_, _, .noSpace) = error else {
            Issue.record("expected a full disk, not \(String(describing: error))")
            return
        }
        #expect(try folder.files().map(\.lines.count) == [1])
        try #require(Self.run("/usr/bin/mount", "-o", "remount,size=1m", folder.path) == 0)
        try file.append(burials([0, 0]), of: large)
        #expect(try folder.files().map(\.lines.count) == [3])
    }

    private static let canMount: Bool = {
        guard let folder = try? Folder() else { return false }
        guard run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path) == 0 else {
            return false
        }
        return run("/usr/bin/umount", "-l", folder.path) == 0
    }()

    private static func run(_ program: String, _ arguments: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
