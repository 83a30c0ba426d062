import CLinux
import Glibc

/// One epoll instance (epoll_wait(2)), level-triggered.
///
/// Owned by the thread that runs it. A registration carries a token besides the descriptor, so that a late event
/// for a number that has been closed and used again can be recognised by its owner.
package struct EventLoop: ~Copyable {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// The other end sends no more.
        package static let hangUp = Interest(rawValue: EPOLLRDHUP.rawValue)
        /// Reports once, then nothing until the next `change`.
        package static let once = Interest(rawValue: EPOLLONESHOT.rawValue)
    }

    /// What happened to one registration.
    package struct Event: Sendable {
        package let token: UInt64
        package let isReadable: Bool
        package let isWritable: Bool
        /// Hang-up or error: the descriptor's next read or write tells which.
        package let isBroken: Bool
    }

    private let epoll: Descriptor
    private var ready: [epoll_event]

    /// - Parameter batch: how many events one `wait` hands out at most.
    package init(batch: Int = 64) throws(Errno) {
        epoll = try Descriptor(adopting: epoll_create1(Int32(EPOLL_CLOEXEC)))
        ready = Array(repeating: epoll_event(), count: batch)
    }

    package func add(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(Errno) {
        try control(EPOLL_CTL_ADD, descriptor, interest, token)
    }

    package func change(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(Errno) {
        try control(EPOLL_CTL_MOD, descriptor, interest, token)
    }

    /// Forgets a descriptor.
    ///
    /// Closing it does the same; this is for descriptors that stay open.
    package func remove(_ descriptor: Int32) {
        var event = epoll_event()
        epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, &event)
    }

    /// Waits for events and calls `body` with each.
    ///
    /// - Parameter timeout: milliseconds; -1 waits without limit, 0 not at all.
    package mutating func wait(timeout: Int32, _ body: (Event) -> Void) throws(Errno) {
        let count = epoll_wait(epoll.raw, &ready, Int32(ready.count), timeout)
        guard count >= 0 else {
            if errno == EINTR { return }
            throw .current
        }
        for index in 0..<Int(count) {
            let event = ready[index]
            body(
                Event(
                    token: event.data.u64,
                    isReadable: event.events & EPOLLIN.rawValue != 0,
                    isWritable: event.events & EPOLLOUT.rawValue != 0,
                    isBroken: event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
                )
            )
        }
    }

    private func control(
        _ operation: Int32,
        _ descriptor: Int32,
        _ interest: Interest,
        _ token: UInt64
    ) throws(Errno) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        guard epoll_ctl(epoll.raw, operation, descriptor, &event) == 0 else { throw .current }
    }
}

/// Wakes an event loop from another thread (eventfd(2)).
package final class Waker: Sendable {
    private let raw: Int32

    package init() throws(Errno) {
        raw = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard raw >= 0 else { throw .current }
    }

    deinit { _ = close(raw) }

    /// To be registered for reading.
    package var descriptor: Int32 { raw }

    /// Makes the descriptor readable.
    package func wake() {
        var one: UInt64 = 1
        _ = write(raw, &one, 8)
    }

    /// Makes the descriptor unreadable until the next `wake`.
    package func reset() {
        var value: UInt64 = 0
        _ = read(raw, &value, 8)
    }
}
