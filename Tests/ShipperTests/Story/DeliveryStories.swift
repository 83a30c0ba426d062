import Common
import Foundation
import Testing

@testable import Shipper

/// What happens on the wire and in odd files, against the real loop.
@Suite(.timeLimit(.minutes(2)))
struct DeliveryStories {
    private let folder: Folder
    private let receiver: TestReceiver

    init() throws {
        folder = try Folder()
        receiver = try TestReceiver()
    }

    @Test("a receiver that hangs up gets the same windows again, in order", arguments: [0, 1])
    func resend(level: Int) throws {
        receiver.hangUp(afterWindows: 3)
        try folder.append(lines(1...1000), to: "app.log")
        let limits = EventQueue.Limits(events: 100, compressionLevel: level)
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, limits: limits)
        receiver.wait { Set($0.map(\.message)).count == 1000 }
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.connections == 2)
        #expect(Set(receiver.events.map(\.offset)).count == 1000)
    }

    @Test("an ack of events that were never sent counts for nothing")
    func lyingReceiver() throws {
        receiver.lie()
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        receiver.wait(count: 10)
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.connections == 2)
        #expect(receiver.events.map(\.message) == messages(1...10))
    }

    @Test("silence is a timeout, and the windows are sent again")
    func silence() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, timeout: .milliseconds(50))
        receiver.wait { $0.count >= 20 }
        receiver.acknowledge(true)
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(Set(receiver.events.map(\.offset)).count == 10)
    }

    @Test("without acks no more than the windows are read")
    func backPressure() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10_000), to: "app.log")
        let limits = EventQueue.Limits(events: 100, compressionLevel: 0)
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, limits: limits)
        receiver.wait(count: 200)
        shipper.wait { $0.windowsOutstanding == 2 }
        let file = try #require(shipper.report().files.first)
        #expect(file.read == Int64(200 * 19))
        #expect(file.stored == 0)
        receiver.acknowledge(true)
        receiver.wait(count: 10_000)
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages(1...10_000))
    }

    @Test("stopping without acks sends everything again at the next start, under the same identity")
    func stopWithoutAcks() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        let first = try RunningShipper(folder, paths: ["app.log"], to: receiver, timeout: .milliseconds(200))
        receiver.wait(count: 10)
        first.stop()
        receiver.acknowledge(true)
        let before = receiver.events
        let second = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        receiver.wait(count: before.count + 10)
        second.settle()
        second.stop()
        receiver.stop()
        #expect(Set(receiver.events.map { "\($0.identity) \($0.offset) \($0.message)" }).count == 10)
    }

    @Test("once: ends when everything is stored", arguments: [0, 1, 6])
    func once(level: Int) throws {
        try folder.append(lines(1...20_000), to: "a.log")
        try folder.append(lines(1...100, "b") + "no end", to: "b.log")
        try folder.append("", to: "empty.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            to: receiver,
            limits: EventQueue.Limits(compressionLevel: level),
            isOnce: true
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(
            receiver.events.map(\.message).sorted()
                == (messages(1...20_000) + messages(1...100, "b")).sorted()
        )
    }

    @Test("start at the end: only what comes later, beginning with a whole line")
    func startAtEnd() throws {
        try folder.append(lines(1...10) + "begun", to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log", "later.log"],
            to: receiver,
            startsAtEnd: true
        )
        shipper.wait { $0.fileCount == 1 }
        try folder.append(" and ended\n" + lines(11...12), to: "app.log")
        try folder.append(lines(1...1, "later"), to: "later.log")
        receiver.wait(count: 4)
        shipper.stop()
        receiver.stop()
        let wanted = ["begun and ended"] + messages(11...12) + messages(1...1, "later")
        #expect(receiver.events.map(\.message).sorted() == wanted.sorted())
    }

    @Test(
        "the files that a real Filebeat was given",
        arguments: ["basic-lines", "bom-utf8", "invalid-utf8", "partial-last-line"]
    )
    func filebeatVectors(_ name: String) throws {
        try folder.append(try Fixture.bytes("tailing/\(name).log"), to: "app.log")
        let expected = try #require(try Fixture.json("tailing/\(name).expected.json") as? [String: Any])
        let events = try #require(expected["events"] as? [[String: Any]])
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, isOnce: true)
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(receiver.events.map(\.message) == events.map { $0["message"] as? String })
        #expect(receiver.events.map(\.offset) == events.map { $0["offset"] as? Int })
    }

    @Test("lines longer than any buffer, exactly as long as allowed, and longer")
    func longLines() throws {
        let limit = 300_000
        let exact = String(repeating: "ä", count: limit / 2)
        let rows = [
            "short", exact, exact + "b", String(repeating: "c", count: 1_000_000), "after", "\u{1}\u{2}",
        ]
        for row in rows { try folder.append(row + "\r\n", to: "app.log") }
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            maxLineBytes: limit,
            isOnce: true
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        let events = receiver.events
        #expect(events.map(\.message) == rows.map { String(decoding: $0.utf8.prefix(limit), as: UTF8.self) })
        #expect(events.map(\.flags) == [[], [], ["truncated"], ["truncated"], [], []])
    }

    @Test("a long line that comes in pieces is sent once, when it is complete")
    func growingLine() throws {
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        let piece = String(repeating: "x", count: 50_000)
        for _ in 1...8 {
            try folder.append(piece, to: "app.log")
            shipper.wait { $0.files.first.map { $0.size % 50_000 == 0 } ?? false }
        }
        try folder.append("\nnext\n", to: "app.log")
        receiver.wait(count: 2)
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == [String(repeating: piece, count: 8), "next"])
    }

    @Test("bytes of every kind arrive as valid JSON, and none stops the file")
    func binary() throws {
        var bytes: [UInt8] = []
        for value in UInt8.min...UInt8.max where value != 10 { bytes += [value, value, UInt8(ascii: "|")] }
        try folder.append(bytes + [10] + Array("after\n".utf8), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, isOnce: true)
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(receiver.events.count == 2)
        #expect(receiver.events.last?.message == "after")
        #expect(receiver.events.first?.message == String(decoding: bytes, as: UTF8.self))
    }

    @Test("empty lines move the offset without an event")
    func emptyLines() throws {
        try folder.append(String(repeating: "\n", count: 1000), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        shipper.wait { $0.fileCount == 1 && $0.lagBytes == 0 }
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.isEmpty)
    }

    @Test("directories, pipes and unreadable names under a pattern are skipped")
    func oddNames() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path("dir.log"),
            withIntermediateDirectories: true
        )
        mkfifo(folder.path("pipe.log"), 0o644)
        symlink("/nowhere", folder.path("broken.log"))
        try folder.append(lines(1...1), to: "app.log")
        try folder.append(lines(1...1), to: "skip.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["*.log"],
            exclusions: ["skip*"],
            to: receiver,
            isOnce: true
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(receiver.events.map(\.path) == [folder.path("app.log")])
        #expect(shipper.metrics.filesSkipped.total == 3)
    }

    @Test("a registry that cannot be written stops nothing, and is written when it can be")
    func fullDisk() throws {
        // A directory in the way of the temporary file: the write fails as on a full disk.
        let obstacle = folder.path("data/registry.new")
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        receiver.wait(count: 10)
        shipper.wait { _ in shipper.metrics.registryErrors.total > 1 }
        try FileManager.default.removeItem(atPath: obstacle)
        try folder.append(lines(11...20), to: "app.log")
        receiver.wait(count: 20)
        #expect(shipper.stop() == 0)
        receiver.stop()
        let saved = try RegistryStore(directory: folder.path("data")).load()
        #expect(saved.map(\.offset) == [Int64(20 * 19)])
    }

    @Test("a damaged registry: the previous generation, then a fresh start; never a refusal")
    func damagedRegistry() throws {
        try folder.append(lines(1...10), to: "app.log")
        let first = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        receiver.wait(count: 10)
        first.settle()
        first.stop()
        try folder.append("x", to: "data/registry")
        try folder.append("x", to: "data/registry.previous")
        let second = try RunningShipper(folder, paths: ["app.log"], to: receiver)
        receiver.wait(count: 20)
        second.settle()
        second.stop()
        receiver.stop()
        #expect(Set(receiver.events.map { "\($0.identity) \($0.offset)" }).count == 10)
        #expect(FileManager.default.fileExists(atPath: folder.path("data/registry.damaged")))
    }

    @Test("a data directory belongs to one shipper")
    func locked() throws {
        let store = try RegistryStore(directory: folder.path("data"))
        #expect(throws: RegistryStore.Failure.self) { _ = try RegistryStore(directory: folder.path("data")) }
        #expect(store.agentID() == store.agentID())
    }
}
