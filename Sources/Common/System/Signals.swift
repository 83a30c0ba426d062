import CLinux
import Glibc

/// Signals as readable events instead of interruptions.
package enum Signals {
    /// Blocks the signals in every thread started afterwards and ignores SIGPIPE.
    ///
    /// Call first in `run`, before any thread exists.
    ///
    /// - Returns: a descriptor that becomes readable when one of `numbers` arrives; read it with `next(from:)`.
    package static func receive(_ numbers: [Int32]) throws(Errno) -> Descriptor {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return try Descriptor(adopting: signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)))
    }

    /// The next signal that has arrived, nil when there is none.
    package static func next(from descriptor: borrowing Descriptor) -> Int32? {
        next(fromRaw: descriptor.raw)
    }

    /// The same, for an event loop that knows the descriptor by its number only.
    package static func next(fromRaw descriptor: Int32) -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor, &info, size) == size ? Int32(info.ssi_signo) : nil
    }

    /// Waits until one of the signals arrives.
    ///
    /// - Parameters:
    ///   - interval: how often `body` is called meanwhile; nil for never.
    package static func wait(
        on descriptor: borrowing Descriptor,
        every interval: Duration? = nil,
        _ body: () -> Void = {}
    ) -> Int32 {
        var poll = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        while true {
            let count = Glibc.poll(&poll, 1, interval?.milliseconds ?? -1)
            if let number = next(from: descriptor) { return number }
            if count == 0 { body() }
        }
    }

    static func blockAll() {
        var set = sigset_t()
        sigfillset(&set)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }
}
