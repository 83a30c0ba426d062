import Common
import Foundation
import Testing

@testable import Shipper

/// Which files are followed, how many at a time, and what is said of those that are lost: against the real loop.
@Suite(.timeLimit(.minutes(2)))
struct FileLifeStories {
    private let folder: Folder
    private let receiver: TestReceiver

    init() throws {
        folder = try Folder()
        receiver = try TestReceiver()
    }

    private func expect(_ wanted: [String], _ location: SourceLocation = #_sourceLocation) {
        #expect(receiver.events.map(\.message).sorted() == wanted.sorted(), sourceLocation: location)
        receiver.stop()
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path(name),
            withDestinationPath: folder.path(target)
        )
    }

    /// Sets the moment at which a file's content was changed.
    private func age(_ name: String, seconds: Int) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -Double(seconds))],
            ofItemAtPath: folder.path(name)
        )
    }

    // MARK: - Losses

    @Test("what was seen and truncated away unread is counted, unless a copy holds it")
    func overwritten() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        try folder.append(lines(1...10, "web"), to: "web.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            limits: EventQueue.Limits(events: 5, bytes: 1 << 20, compressionLevel: 0),
            scanInterval: .milliseconds(50)
        )
        shipper.wait { $0.windowsOutstanding == 2 }
        try folder.append(lines(11...20), to: "app.log")
        try folder.append(lines(11...20, "web"), to: "web.log")
        shipper.wait { $0.files.allSatisfy { $0.size == 380 } && $0.files.count == 2 }
        let read = shipper.report().files.first { $0.path.hasSuffix("app.log") }?.read ?? 0
        // The copy holds all of web.log but its last line.
        try folder.append(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.path("web.log"))).dropLast(19)),
            to: "web.log.1"
        )
        for name in ["app.log", "web.log"] { try folder.truncate(name) }
        receiver.acknowledge(true)
        shipper.wait { _ in shipper.metrics.overwrittenBytes.total >= 380 - Int(read) + 19 }
        shipper.stop()
        #expect(shipper.metrics.overwrittenBytes.total == 380 - Int(read) + 19)
        #expect(receiver.events.count { $0.message.hasSuffix("web") } == 19)
        receiver.stop()
    }

    @Test("deleted files above the limit are given up, and their bytes counted")
    func deletedBytes() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            limits: EventQueue.Limits(events: 5, bytes: 1 << 20, compressionLevel: 0),
            deletedFiles: DeletedFileLimits(maxBytes: 300)
        )
        shipper.wait { $0.windowsOutstanding == 2 }
        for name in ["one.log", "two.log"] {
            try folder.append(lines(1...10, name), to: name)
            shipper.wait { $0.files.contains { $0.path.hasSuffix(name) } }
            try folder.remove(name)
        }
        shipper.wait { _ in shipper.metrics.releasedBytes.total > 0 }
        #expect(shipper.metrics.releasedBytes.total == lines(1...10, "one.log").utf8.count)
        #expect(shipper.metrics.deletedBytes.current == lines(1...10, "two.log").utf8.count)
        receiver.acknowledge(true)
        receiver.wait(count: 20)
        shipper.stop()
        expect(messages(1...10) + messages(1...10, "two.log"))
    }

    // MARK: - Which files

    @Test(
        "symbolic links are followed only when asked for, and a file with two names is read once",
        arguments: [false, true]
    )
    func symlinks(isOn: Bool) throws {
        try folder.append(lines(1...10), to: "app.txt")
        try folder.append(lines(11...20), to: "z.log")
        try link("a.log", to: "app.txt")
        try link("b.log", to: "z.log")
        try link("nowhere.log", to: "missing")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            files: FileOptions(symlinks: isOn)
        )
        receiver.wait(count: isOn ? 20 : 10)
        shipper.settle()
        let paths = Set(shipper.report().files.map(\.path))
        shipper.stop()
        #expect(paths == Set((isOn ? ["a.log", "z.log"] : ["z.log"]).map(folder.path)))
        expect(isOn ? messages(1...20) : messages(11...20))
    }

    @Test("a link whose target is rotated: old and new target are read, live and while stopped")
    func rotationBehindALink() throws {
        for name in ["links", "files"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name),
                withIntermediateDirectories: false
            )
        }
        try folder.append(lines(1...10), to: "files/0.log")
        try link("links/app.log", to: "files/0.log")
        func start() throws -> RunningShipper {
            try RunningShipper(
                folder,
                paths: ["links/*.log"],
                to: receiver,
                files: FileOptions(symlinks: true)
            )
        }
        var shipper = try start()
        receiver.wait(count: 10)
        try folder.append(lines(11...15), to: "files/0.log")
        try folder.rename("files/0.log", to: "files/0.log.1")
        try folder.append(lines(16...20), to: "files/0.log")
        receiver.wait(count: 20)
        shipper.settle()
        shipper.stop()
        try folder.append(lines(21...25), to: "files/0.log")
        try folder.rename("files/0.log", to: "files/0.log.2")
        try folder.append(lines(26...30), to: "files/0.log")
        shipper = try start()
        receiver.wait(count: 30)
        shipper.settle()
        shipper.stop()
        expect(messages(1...30))
    }

    @Test("ignore_older leaves unknown old files alone until they change, and never the rest of a known one")
    func ignoreOlder() throws {
        try folder.append(lines(1...10, "old"), to: "old.log")
        try folder.append(lines(1...10, "known"), to: "known.log")
        try age("old.log", seconds: 7200)
        let options = FileOptions(ignoreOlder: .seconds(3600))
        func start() throws -> RunningShipper {
            try RunningShipper(
                folder,
                paths: ["*.log"],
                to: receiver,
                files: options,
                scanInterval: .milliseconds(50)
            )
        }
        var shipper = try start()
        receiver.wait(count: 10)
        shipper.settle()
        #expect(shipper.report().files.map(\.path) == [folder.path("known.log")])
        shipper.stop()
        try folder.append(lines(11...12, "known"), to: "known.log")
        try age("known.log", seconds: 7200)
        shipper = try start()
        receiver.wait(count: 12)
        try folder.append(lines(11...12, "old"), to: "old.log")
        receiver.wait(count: 24)
        shipper.settle()
        shipper.stop()
        expect(messages(1...12, "known") + messages(1...12, "old"))
    }

    @Test(
        "all files are read, no more than so many are open at once, by harvester_limit or for want of descriptors",
        arguments: [(1, 0), (3, 0), (0, 1), (0, 3), (5, 2)]
    )
    func harvesterLimit(harvesters: Int, descriptors: Int) throws {
        let limit = [harvesters, descriptors].filter { $0 > 0 }.min() ?? 0
        var wanted: [String] = []
        for number in 1...20 {
            try folder.append(lines(1...30, "f\(number)"), to: "f\(number).log")
            wanted += messages(1...40, "f\(number)")
        }
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            limits: EventQueue.Limits(events: 7, bytes: 1 << 20, compressionLevel: 0),
            files: FileOptions(harvesterLimit: harvesters),
            descriptors: descriptors > 0 ? descriptors : 1000
        )
        receiver.wait(count: 300)
        for number in 1...20 { try folder.append(lines(31...40, "f\(number)"), to: "f\(number).log") }
        var most = 0
        shipper.wait { report in
            most = max(most, report.files.count { $0.isOpen })
            return receiver.events.count >= wanted.count
        }
        shipper.settle()
        shipper.stop()
        #expect(most >= 1 && most <= limit)
        #expect(shipper.metrics.filesWaiting.current == 0)
        expect(wanted)
    }

    @Test("a rotated file that waits for its turn is read; a deleted one is counted as lost")
    func waitingFiles() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...30), to: "a.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            limits: EventQueue.Limits(events: 5, bytes: 1 << 20, compressionLevel: 0),
            files: FileOptions(harvesterLimit: 1),
            scanInterval: .milliseconds(100)
        )
        shipper.wait { $0.windowsOutstanding == 2 }
        for name in ["b.log", "c.log"] {
            try folder.append(lines(1...10, name), to: name)
            shipper.wait { $0.files.contains { $0.path.hasSuffix(name) } }
        }
        #expect(shipper.metrics.filesWaiting.current == 2)
        // What waits for its turn is behind, and for how long is seen.
        shipper.wait { report in
            ["b.log", "c.log"].allSatisfy { name in
                report.files.contains { $0.path.hasSuffix(name) && $0.age > .zero }
            }
        }
        try folder.rename("b.log", to: "b.log.1")
        try folder.remove("c.log")
        shipper.wait { _ in shipper.metrics.releasedBytes.total > 0 }
        #expect(shipper.metrics.releasedBytes.total == lines(1...10, "c.log").utf8.count)
        receiver.acknowledge(true)
        receiver.wait(count: 40)
        shipper.stop()
        expect(messages(1...30) + messages(1...10, "b.log"))
    }
}
