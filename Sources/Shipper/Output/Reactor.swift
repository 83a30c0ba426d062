import Common

/// The process's event loop, shared by those whose descriptors it watches.
final class Reactor {
    /// Tokens below are fixed; connections count on from here.
    enum Token {
        static let signals: UInt64 = 1
        static let files: UInt64 = 2
        static let waker: UInt64 = 3
        static let firstConnection: UInt64 = 16
    }

    private var loop: EventLoop
    private var lastConnection = Token.firstConnection
    /// Wakes the loop from other threads.
    let waker: Waker

    init() throws(Errno) {
        loop = try EventLoop()
        waker = try Waker()
        try loop.add(waker.descriptor, .read, token: Token.waker)
    }

    /// A token for a new connection: late events of the one before do not reach it.
    func nextConnectionToken() -> UInt64 {
        lastConnection += 1
        return lastConnection
    }

    func add(_ descriptor: Int32, _ interest: EventLoop.Interest, token: UInt64) throws(Errno) {
        try loop.add(descriptor, interest, token: token)
    }

    func change(_ descriptor: Int32, _ interest: EventLoop.Interest, token: UInt64) throws(Errno) {
        try loop.change(descriptor, interest, token: token)
    }

    func remove(_ descriptor: Int32) { loop.remove(descriptor) }

    /// Waits until something happens.
    ///
    /// - Parameter nanoseconds: at most so long; nil without limit.
    func wait(_ nanoseconds: Int64?) throws(Errno) -> [EventLoop.Event] {
        let timeout = nanoseconds.map { Int32(clamping: (max($0, 0) + 999_999) / 1_000_000) } ?? -1
        var events: [EventLoop.Event] = []
        try loop.wait(timeout: timeout) { events.append($0) }
        return events
    }
}
