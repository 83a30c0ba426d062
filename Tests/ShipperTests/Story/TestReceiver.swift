import Common
import Foundation
import Testing

/// A Lumberjack receiver inside the test: keeps what arrives and acknowledges when it is told to.
final class TestReceiver: Sendable {
    struct Event: Equatable, Sendable {
        var message = ""
        var offset = 0
        var path = ""
        var identity = ""
        var flags: [String] = []
        var json = ""
    }

    private struct State {
        var events: [Event] = []
        var windows = 0
        /// Events of each window taken, in order.
        var windowSizes: [Int] = []
        var connections = 0
        var acknowledges = true
        /// Windows to take and then to hang up on, unacknowledged.
        var windowsBeforeHangUp: Int?
        /// Windows to hang up on from now on.
        var refusals = 0
        /// Answers the next window with an ack of more events than it has.
        var lies = false
        var isStopped = false
    }

    private let state = Monitor(State())
    private let waker: Waker
    let port: Int

    init() throws {
        waker = try Waker()
        let address = try #require(try Socket.resolve("127.0.0.1", port: 0, passive: true).first)
        let listener = try Socket.listen(on: address)
        port = try Socket.localAddress(of: listener.raw).port
        let server = Server(listener: listener, waker: waker, owner: self)
        _ = try Common.Thread("receiver") { server.run() }
    }

    var events: [Event] { state.read { $0.events } }
    var windows: Int { state.read { $0.windows } }
    /// Events of each window taken, in order of arrival.
    var windowSizes: [Int] { state.read { $0.windowSizes } }
    var connections: Int { state.read { $0.connections } }

    /// Whether windows are acknowledged; switching it on acknowledges those that wait.
    func acknowledge(_ value: Bool) {
        state.change { $0.acknowledges = value }
        waker.wake()
    }

    func hangUp(afterWindows count: Int) { state.change { $0.windowsBeforeHangUp = count } }
    /// Hangs up on each of the next windows.
    func refuse(windows count: Int) { state.change { $0.refusals = count } }
    func lie() { state.change { $0.lies = true } }

    func stop() {
        state.change { $0.isStopped = true }
        waker.wake()
    }

    /// Waits until a condition on the events holds; records an issue when it does not within the time.
    @discardableResult
    func wait(
        seconds: Int = 20,
        _ location: SourceLocation = #_sourceLocation,
        until condition: @escaping ([Event]) -> Bool
    ) -> [Event] {
        let deadline = Clock.monotonic + Int64(seconds) * 1_000_000_000
        let isMet = state.wait { state -> Monitor<State>.Verdict<Bool> in
            if condition(state.events) { return .proceed(true) }
            return Clock.monotonic >= deadline ? .proceed(false) : .wait(until: deadline)
        }
        let events = events
        #expect(
            isMet,
            "\(events.count) events arrived: \(events.suffix(3).map(\.message))",
            sourceLocation: location
        )
        return events
    }

    @discardableResult
    func wait(count: Int, _ location: SourceLocation = #_sourceLocation) -> [Event] {
        wait(location) { $0.count >= count }
    }

    private final class Server {
        private let listener: Descriptor
        private let waker: Waker
        private let owner: TestReceiver
        private var connections: [Peer] = []

        final class Peer {
            let socket: Descriptor
            var decoder = LumberjackDecoder()
            var received = ByteBuffer()
            var pending: [UInt32] = []
            var fresh: [Event] = []

            init(_ socket: consuming Descriptor) { self.socket = socket }
        }

        init(listener: consuming Descriptor, waker: Waker, owner: TestReceiver) {
            self.listener = listener
            self.waker = waker
            self.owner = owner
        }

        func run() {
            while !owner.state.read({ $0.isStopped }) {
                var polls = [pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0)]
                polls.append(pollfd(fd: waker.descriptor, events: Int16(POLLIN), revents: 0))
                polls += connections.map { pollfd(fd: $0.socket.raw, events: Int16(POLLIN), revents: 0) }
                poll(&polls, nfds_t(polls.count), 1000)
                waker.reset()
                let readable = Set(polls.dropFirst(2).filter { $0.revents != 0 }.map(\.fd))
                connections = connections.filter { !readable.contains($0.socket.raw) || read($0) }
                if polls[0].revents != 0, let accepted = try? Socket.accept(on: listener) {
                    owner.state.change { $0.connections += 1 }
                    connections.append(Peer(accepted.take()))
                }
                for peer in connections { acknowledge(peer) }
            }
        }

        /// - Returns: whether the connection goes on.
        private func read(_ peer: Peer) -> Bool {
            do {
                let before = peer.received.count
                try peer.received.append(reserving: 1 << 16) { free throws(Errno) in
                    try peer.socket.read(into: free)
                }
                guard peer.received.count > before else { return false }
                return try decode(peer)
            } catch {
                return (error as? Errno) == .wouldBlock
            }
        }

        private func decode(_ peer: Peer) throws -> Bool {
            var offset = 0
            var goesOn = true
            try peer.received.withSpan { bytes in
                while goesOn {
                    switch try peer.decoder.next(in: bytes, at: &offset) {
                    case .needsMore: return
                    case .windowStarted: break
                    case .event(let event):
                        peer.decoder.withBytes(of: event, in: bytes) {
                            peer.fresh.append(Self.event($0.text($1)))
                        }
                    case .windowComplete(let ack, let count): goesOn = complete(peer, ack, count)
                    }
                }
            }
            peer.received.removeFirst(offset)
            return goesOn
        }

        private func complete(_ peer: Peer, _ ack: UInt32, _ count: Int) -> Bool {
            peer.pending.append(ack)
            let fresh = peer.fresh
            peer.fresh = []
            return owner.state.change { state in
                state.windows += 1
                if state.lies {
                    state.lies = false
                    peer.pending = [ack + 1000]
                    return true
                }
                if state.refusals > 0 {
                    state.refusals -= 1
                    return false
                }
                if let left = state.windowsBeforeHangUp {
                    state.windowsBeforeHangUp = left > 1 ? left - 1 : nil
                    if left <= 1 { return false }
                }
                state.events += fresh
                state.windowSizes.append(count)
                return true
            }
        }

        private func acknowledge(_ peer: Peer) {
            guard owner.state.read({ $0.acknowledges }) else { return }
            for ack in peer.pending {
                var bytes = ByteBuffer()
                bytes.append(lumberjackAck: ack)
                bytes.withUnsafeBytes { _ = try? Socket.send($0, on: peer.socket) }
            }
            peer.pending = []
        }

        private static func event(_ json: String) -> Event {
            var event = Event(json: json)
            let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
            let log = object?["log"] as? [String: Any]
            let file = log?["file"] as? [String: Any]
            event.message = object?["message"] as? String ?? "?"
            event.offset = log?["offset"] as? Int ?? -1
            event.flags = log?["flags"] as? [String] ?? []
            event.path = file?["path"] as? String ?? ""
            event.identity = file?["identity"] as? String ?? ""
            return event
        }
    }
}
