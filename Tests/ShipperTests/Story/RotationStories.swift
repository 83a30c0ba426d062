import Common
import Foundation
import Testing

@testable import Shipper

/// What happens to log files in the world, against the real loop: nothing lost, nothing doubled.
@Suite(.timeLimit(.minutes(2)))
struct RotationStories {
    private let folder: Folder
    private let receiver: TestReceiver

    init() throws {
        folder = try Folder()
        receiver = try TestReceiver()
    }

    private func start(_ paths: [String] = ["app.log"]) throws -> RunningShipper {
        try RunningShipper(folder, paths: paths, to: receiver)
    }

    private func expect(_ wanted: [String], _ location: SourceLocation = #_sourceLocation) {
        let got = receiver.events.map(\.message)
        #expect(got.sorted() == wanted.sorted(), sourceLocation: location)
        receiver.stop()
    }

    @Test("lines are sent as they come, with offsets", arguments: [true, false])
    func tailing(usesInotify: Bool) throws {
        try folder.append(lines(1...3), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, usesInotify: usesInotify)
        receiver.wait(count: 3)
        try folder.append(lines(4...5) + "half", to: "app.log")
        receiver.wait(count: 5)
        try folder.append(" a line\n", to: "app.log")
        let events = receiver.wait(count: 6)
        #expect(shipper.stop() == 0)
        expect(messages(1...5) + ["half a line"])
        #expect(events.map(\.offset) == [0, 19, 38, 57, 76, 95])
        #expect(Set(events.map(\.identity)).count == 1)
    }

    @Test("a restart goes on where the receiver stored")
    func restart() throws {
        try folder.append(lines(1...1000), to: "app.log")
        var shipper = try start()
        receiver.wait(count: 1000)
        shipper.settle()
        #expect(shipper.stop() == 0)
        try folder.append(lines(1001...1500), to: "app.log")
        shipper = try start()
        receiver.wait(count: 1500)
        shipper.settle()
        shipper.stop()
        expect(messages(1...1500))
    }

    @Test("rename rotation, live", arguments: [["app.log"], ["app.log*"]])
    func renameLive(paths: [String]) throws {
        try folder.append(lines(1...100), to: "app.log")
        let shipper = try start(paths)
        receiver.wait(count: 100)
        for round in 1...5 {
            try folder.append(lines(round * 100 + 1...round * 100 + 50), to: "app.log")
            for old in stride(from: round - 1, to: 0, by: -1) {
                try folder.rename("app.log.\(old)", to: "app.log.\(old + 1)")
            }
            try folder.rename("app.log", to: "app.log.1")
            // nginx writes on to the renamed file until it is told to reopen.
            try folder.append(lines(round * 100 + 51...round * 100 + 60), to: "app.log.1")
            try folder.append(lines(round * 100 + 61...round * 100 + 100), to: "app.log")
        }
        receiver.wait(count: 600)
        shipper.wait { $0.lagBytes == 0 }
        shipper.stop()
        expect(messages(1...600))
    }

    @Test(
        "rename rotation while stopped: the rest is beside the old name",
        arguments: [["app.log"], ["app.log*"]]
    )
    func renameStopped(paths: [String]) throws {
        try folder.append(lines(1...100), to: "app.log")
        var shipper = try start(paths)
        receiver.wait(count: 100)
        shipper.settle()
        shipper.stop()
        try folder.append(lines(101...150), to: "app.log")
        try folder.rename("app.log", to: "app.log.1")
        try folder.append(lines(151...200), to: "app.log")
        shipper = try start(paths)
        receiver.wait(count: 200)
        shipper.wait { $0.lagBytes == 0 }
        shipper.stop()
        expect(messages(1...200))
    }

    @Test("copytruncate, live", arguments: [["app.log"], ["app.log*"]])
    func copyTruncateLive(paths: [String]) throws {
        try folder.append(lines(1...100), to: "app.log")
        let shipper = try start(paths)
        receiver.wait(count: 100)
        try folder.copy("app.log", to: "app.log.1")
        try folder.truncate("app.log")
        try folder.append(lines(101...150), to: "app.log")
        receiver.wait(count: 150)
        shipper.settle()
        shipper.stop()
        expect(messages(1...150))
    }

    @Test(
        "copytruncate again and again while nothing can be sent: lives of which nothing was read are in their copies",
        arguments: [["app.log"], ["app.log*"]]
    )
    func copyTruncateUnread(paths: [String]) throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: paths,
            to: receiver,
            limits: EventQueue.Limits(events: 5, bytes: 1 << 20, compressionLevel: 0)
        )
        shipper.wait { $0.windowsOutstanding == 2 }
        for round in 1...4 {
            try folder.copy("app.log", to: "app.log.\(round)")
            try folder.truncate("app.log")
            // Fewer lines each time, so that each life is seen to be shorter than the one before.
            let first = round * 10 + 1
            try folder.append(lines(first...first + 8 - round), to: "app.log")
            shipper.wait {
                $0.files.contains { $0.path.hasSuffix("/app.log") && $0.size == Int64(9 - round) * 19 }
            }
            shipper.wait { _ in shipper.metrics.truncations.total == round }
            // Counted first and done then: the answer to this says that it is done.
            _ = shipper.report()
        }
        receiver.acknowledge(true)
        receiver.wait(count: 36)
        shipper.stop()
        #expect(shipper.metrics.overwrittenBytes.total == 0)
        expect((0...4).flatMap { messages(($0 * 10 + 1)...($0 * 10 + ($0 == 0 ? 10 : 9 - $0))) })
    }

    @Test("copytruncate while stopped, grown past the old offset", arguments: [["app.log"], ["app.log*"]])
    func copyTruncateStopped(paths: [String]) throws {
        try folder.append(lines(1...100), to: "app.log")
        var shipper = try start(paths)
        receiver.wait(count: 100)
        shipper.settle()
        shipper.stop()
        try folder.append(lines(101...150), to: "app.log")
        try folder.copy("app.log", to: "app.log.1")
        try folder.truncate("app.log")
        try folder.append(lines(151...300), to: "app.log")
        shipper = try start(paths)
        let events = receiver.wait(count: 300)
        shipper.wait { $0.lagBytes == 0 }
        shipper.stop()
        expect(messages(1...300))
        let first = events.first { $0.message == messages(1...1)[0] }
        let rest = events.first { $0.message == messages(101...101)[0] }
        let next = events.first { $0.message == messages(151...151)[0] }
        #expect(first?.identity == rest?.identity, "the copy goes on under the original's identity")
        #expect(first?.identity != next?.identity)
    }

    @Test("truncated and rewritten smaller, live")
    func truncated() throws {
        try folder.append(lines(1...100), to: "app.log")
        let shipper = try start()
        receiver.wait(count: 100)
        try folder.truncate("app.log")
        try folder.append(lines(101...110), to: "app.log")
        receiver.wait(count: 110)
        shipper.stop()
        expect(messages(1...110))
    }

    @Test("truncated and written anew with the same first line: another identity")
    func sameFirstLine() throws {
        try folder.append("banner\n" + lines(1...2), to: "app.log")
        let shipper = try start()
        receiver.wait(count: 3)
        try folder.truncate("app.log")
        try folder.append("banner\n", to: "app.log")
        let events = receiver.wait(count: 4)
        shipper.stop()
        receiver.stop()
        #expect(events[0].message == events[3].message)
        #expect(events[0].identity != events[3].identity)
    }

    @Test("deleted and made again, live and while stopped")
    func recreated() throws {
        try folder.append(lines(1...100), to: "app.log")
        var shipper = try start()
        receiver.wait(count: 100)
        try folder.remove("app.log")
        try folder.append(lines(101...200), to: "app.log")
        receiver.wait(count: 200)
        shipper.settle()
        shipper.stop()
        try folder.remove("app.log")
        try folder.append(lines(201...400), to: "app.log")
        shipper = try start()
        receiver.wait(count: 400)
        shipper.stop()
        expect(messages(1...400))
    }

    @Test("removed right after writing: read to its end")
    func removed() throws {
        let shipper = try start()
        try folder.append(lines(1...50), to: "app.log")
        receiver.wait(count: 1)
        try folder.append(lines(51...50_000), to: "app.log")
        try folder.remove("app.log")
        receiver.wait(count: 50_000)
        shipper.stop()
        expect(messages(1...50_000))
    }

    @Test("while the receiver does not answer, rotated and deleted files are kept and nothing is lost")
    func rotationUnderBackPressure() throws {
        receiver.acknowledge(false)
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            limits: EventQueue.Limits(events: 5, bytes: 1 << 20, compressionLevel: 0)
        )
        shipper.wait { $0.windowsOutstanding == 2 }
        for round in 1...5 {
            try folder.append(lines(round * 100...round * 100 + 9), to: "app.log")
            try folder.rename("app.log", to: "old.\(round)")
            try folder.append(lines(round * 100 + 10...round * 100 + 19), to: "app.log")
            shipper.wait { $0.fileCount == round + 1 }
            try folder.remove("old.\(round)")
        }
        receiver.acknowledge(true)
        receiver.wait(count: 110)
        shipper.stop()
        let wanted = messages(1...10) + (1...5).flatMap { messages($0 * 100...$0 * 100 + 19) }
        expect(wanted)
    }
}
