import Glibc
import Synchronization

/// One thread of an `HTTPServer`, as the others see it: where they leave what it has to look at.
package final class HTTPServerThread: Sendable {
    /// A connection that the accepting thread gives to another.
    struct Arrival: Sendable {
        let socket: Int32
        let peer: Socket.Address
    }

    /// What lies here for the thread.
    struct Mail: Sendable {
        var arrivals: [Arrival] = []
        var woken: [HTTPServerExchange] = []
        /// Whether the thread has ended, so that nobody comes to look.
        var isClosed = false
    }

    /// Counts from 0.
    package let index: Int
    let waker: Waker
    private let mail = Mutex(Mail())
    private let stopMoment = Atomic(Int64.max)
    private let turnCount = Atomic(0)

    init(index: Int) throws(Errno) {
        self.index = index
        waker = try Waker()
    }

    /// Makes the thread call `HTTPWorker.tick` soon.
    package func wake() { waker.wake() }

    /// How often its loop has turned.
    var turns: Int { turnCount.load(ordering: .relaxed) }

    /// Counts a turn of the loop.
    func hasTurned() { turnCount.add(1, ordering: .relaxed) }

    /// Hands over a connection, or closes it when the thread has ended.
    func deliver(_ arrival: Arrival) {
        let isClosed = mail.withLock { mail in
            if !mail.isClosed { mail.arrivals.append(arrival) }
            return mail.isClosed
        }
        guard !isClosed else {
            close(arrival.socket)
            return
        }
        waker.wake()
    }

    /// Asks for a call of `deliverWake`.
    func deliver(_ exchange: HTTPServerExchange) {
        let isFirst = mail.withLock { mail in
            guard !mail.isClosed else { return false }
            mail.woken.append(exchange)
            return mail.woken.count == 1
        }
        // Before the first is taken, the waker is not reset.
        if isFirst { waker.wake() }
    }

    /// Empties the box; on the thread itself, after it has reset the waker.
    ///
    /// - Parameter closing: nothing is taken in any more.
    func takeMail(closing: Bool = false) -> Mail {
        mail.withLock { mail in
            let taken = mail
            mail = Mail(isClosed: closing)
            return taken
        }
    }

    /// Monotonic nanoseconds after which nothing is waited for any more; `.max` while the server runs.
    var stopsAt: Int64 { stopMoment.load(ordering: .acquiring) }

    /// Takes effect when the thread next wakes.
    func stop(at moment: Int64) {
        if moment < stopsAt { stopMoment.store(moment, ordering: .releasing) }
    }
}
