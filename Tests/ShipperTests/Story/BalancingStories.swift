import Common
import Foundation
import Synchronization
import Testing

@testable import Shipper

/// Several receivers, and what a connection's end means, against the real loop.
@Suite(.timeLimit(.minutes(2)))
struct BalancingStories {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func receivers(_ count: Int) throws -> [TestReceiver] {
        try (0..<count).map { _ in try TestReceiver() }
    }

    /// Windows of a hundred lines, to all receivers.
    private func balance(
        _ receivers: [TestReceiver],
        workers: Int = 1,
        timeout: Duration = .seconds(30)
    ) throws -> RunningShipper {
        let hosts = receivers.map { LumberjackClient.Host(name: "127.0.0.1", port: $0.port) }
        return try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receivers[0],
            limits: EventQueue.Limits(events: 100, compressionLevel: 0),
            timeout: timeout
        ) {
            $0.hosts = hosts
            $0.loadBalance = true
            $0.workers = workers
        }
    }

    @Test("receivers share the windows, and every line goes to one of them", arguments: [1, 2])
    func share(workers: Int) throws {
        let receivers = try receivers(3)
        try folder.append(lines(1...10_000), to: "app.log")
        let shipper = try balance(receivers, workers: workers)
        shipper.settle()
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(receivers.flatMap(\.events).map(\.message).sorted() == messages(1...10_000).sorted())
        for receiver in receivers {
            #expect(receiver.windows >= 10)
            #expect(receiver.connections == workers)
        }
    }

    @Test("a receiver that holds its ack holds the offset, but not the other receivers")
    func commitOrder() throws {
        let receivers = try receivers(2)
        let (slow, fast) = (receivers[0], receivers[1])
        slow.acknowledge(false)
        try folder.append(lines(1...10_000), to: "app.log")
        let shipper = try balance(receivers)
        fast.wait(count: 9_000)
        slow.wait { !$0.isEmpty }
        let held = try #require(slow.events.map(\.offset).min())
        let file = try #require(shipper.report().files.first)
        #expect(file.stored <= Int64(held))
        #expect(file.read > Int64(held))
        slow.acknowledge(true)
        shipper.settle()
        #expect(shipper.report().files.first?.stored == Int64(10_000 * 19))
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(receivers.flatMap(\.events).map(\.message).sorted() == messages(1...10_000).sorted())
        let saved = try RegistryStore(directory: folder.path("data")).load()
        #expect(saved.map(\.offset) == [Int64(10_000 * 19)])
    }

    @Test("after a stop in the middle all that does not count as stored is sent again, and nothing is lost")
    func stopInTheMiddle() throws {
        let receivers = try receivers(2)
        receivers[0].acknowledge(false)
        try folder.append(lines(1...2_000), to: "app.log")
        let first = try balance(receivers, timeout: .milliseconds(300))
        receivers[0].wait { !$0.isEmpty }
        receivers[1].wait { $0.count >= 500 }
        first.stop()
        // Those that were not acknowledged never come back to anyone's mind.
        let lost = Set(receivers[0].events.map(\.message))
        receivers[0].stop()
        let second = try RunningShipper(folder, paths: ["app.log"], to: receivers[1])
        second.settle()
        second.stop()
        receivers[1].stop()
        let stored = Set(receivers[1].events.map(\.message))
        #expect(stored == Set(messages(1...2_000)))
        #expect(!lost.isEmpty)
    }

    @Test("a receiver that hangs is left alone, and another one gets its windows")
    func hanging() throws {
        let receivers = try receivers(2)
        receivers[0].acknowledge(false)
        try folder.append(lines(1...1_000), to: "app.log")
        let shipper = try balance(receivers, timeout: .milliseconds(100))
        receivers[1].wait { Set($0.map(\.message)).count == 1_000 }
        shipper.settle()
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(receivers[1].events.count == 1_000)
    }

    @Test("a trickle goes round all receivers")
    func trickle() throws {
        let receivers = try receivers(2)
        let shipper = try balance(receivers)
        for number in 1...8 {
            try folder.append(lines(number...number), to: "app.log")
            shipper.wait { $0.files.first?.stored == Int64(number * 19) }
        }
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(receivers.map(\.windows).reduce(0, +) == 8)
        #expect(receivers.allSatisfy { $0.windows >= 3 })
    }

    @Test("a name is resolved anew for each connection")
    func resolution() throws {
        let receivers = try receivers(2)
        receivers[0].hangUp(afterWindows: 3)
        let calls = Mutex(0)
        let ports = receivers.map(\.port)
        try folder.append(lines(1...1_000), to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receivers[0],
            limits: EventQueue.Limits(events: 100)
        ) {
            $0.hosts = [.init(name: "ingest.test", port: 5044)]
            $0.resolve = { _ throws(Socket.ResolutionFailure) in
                let call = calls.withLock { calls -> Int in
                    calls += 1
                    return calls - 1
                }
                return try Socket.resolve("127.0.0.1", port: ports[min(call, 1)])
            }
        }
        shipper.settle()
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(calls.withLock { $0 } == 2)
        #expect(receivers.map(\.connections) == [1, 1])
        #expect(receivers[0].events.count == 200)
        // Acks of the two that were taken may have been cut off with the third.
        let second = receivers[1].events.map(\.message)
        #expect(
            second == messages(201...1_000) || second == messages(101...1_000)
                || second == messages(1...1_000)
        )
    }

    @Test("a look-up that hangs is waited for again, not begun again: there is one thread for it")
    func hangingResolution() throws {
        let receiver = try TestReceiver()
        let state = Monitor((calls: 0, isReleased: false))
        let port = receiver.port
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver) {
            $0.hosts = [.init(name: "ingest.test", port: 5044)]
            $0.connectTimeout = .milliseconds(20)
            $0.resolve = { _ throws(Socket.ResolutionFailure) in
                state.change { $0.calls += 1 }
                _ = state.wait { state -> Monitor<(calls: Int, isReleased: Bool)>.Verdict<Bool> in
                    state.isReleased ? .proceed(true) : .wait(until: Clock.monotonic + 1_000_000_000)
                }
                return try Socket.resolve("127.0.0.1", port: port)
            }
        }
        shipper.wait { _ in shipper.metrics.connectionErrors.total >= 3 }
        #expect(state.read { $0.calls } == 1)
        state.change { $0.isReleased = true }
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages(1...10))
    }

    @Test("a look-up that hangs does not keep another host of the same name from being asked")
    func hangingResolutionOfOne() throws {
        let receiver = try TestReceiver()
        let isReleased = Monitor(false)
        let port = receiver.port
        try folder.append(lines(1...10), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver) {
            $0.hosts = [1, 2, 3, port].map { .init(name: "ingest.test", port: $0) }
            $0.connectTimeout = .milliseconds(20)
            $0.resolve = { host throws(Socket.ResolutionFailure) in
                if host.port != port {
                    _ = isReleased.wait { isReleased -> Monitor<Bool>.Verdict<Bool> in
                        isReleased ? .proceed(true) : .wait(until: Clock.monotonic + 1_000_000_000)
                    }
                }
                return try Socket.resolve("127.0.0.1", port: host.port)
            }
        }
        shipper.settle()
        isReleased.change { $0 = true }
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages(1...10))
    }

    @Test("ttl: one connection after the other, nothing is sent twice, and the name is asked each time")
    func ttl() throws {
        let receivers = try receivers(2)
        let ports = receivers.map(\.port)
        let calls = Mutex(0)
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receivers[0]) {
            $0.hosts = [.init(name: "ingest.test", port: 5044)]
            $0.ttl = .milliseconds(30)
            $0.resolve = { _ throws(Socket.ResolutionFailure) in
                let call = calls.withLock { calls -> Int in
                    calls += 1
                    return calls
                }
                return try Socket.resolve("127.0.0.1", port: ports[call % 2])
            }
        }
        var number = 0
        let deadline = Clock.monotonic + 20_000_000_000
        while receivers.contains(where: { $0.connections < 3 }), Clock.monotonic < deadline {
            number += 1
            try folder.append(lines(number...number), to: "app.log")
            shipper.wait { $0.files.first?.size == Int64(number * 19) }
        }
        shipper.settle()
        shipper.stop()
        for receiver in receivers { receiver.stop() }
        #expect(receivers.allSatisfy { $0.connections >= 3 })
        #expect(receivers.flatMap(\.events).map(\.message).sorted() == messages(1...number).sorted())
        #expect(shipper.metrics.windowsResent.total == 0)
        #expect(shipper.metrics.connectionErrors.total == 0)
    }

    @Test("after repeated failures of one window the next ones are smaller, and grow again")
    func windowSize() throws {
        let receiver = try TestReceiver()
        receiver.refuse(windows: 4)
        try folder.append(lines(1...20_000), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver) {
            $0.pipelining = 1
        }
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages(1...20_000))
        // The sealed window as it was; it failed four times, which halved the size three times: 256, and half as
        // many again for its ack.
        #expect(receiver.windowSizes.prefix(6) == [2048, 384, 576, 864, 1296, 1944])
        #expect(receiver.windowSizes.dropFirst(6).first == 2048)
    }

    @Test("slow start begins with ten events")
    func slowStart() throws {
        let receiver = try TestReceiver()
        try folder.append(lines(1...20_000), to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver) {
            $0.pipelining = 1
            $0.slowStart = true
        }
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages(1...20_000))
        #expect(receiver.windowSizes.prefix(6) == [10, 15, 22, 33, 49, 73])
        #expect(receiver.windowSizes.max() == 2048)
    }
}
