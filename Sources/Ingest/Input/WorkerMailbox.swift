import Common
import Synchronization

/// What other threads tell a worker: new connections, finished bulks, the end.
///
/// Bounded by what the senders are allowed: connections by `limits.connections`, bulks by the indexer.
final class WorkerMailbox: Sendable {
    enum Message: Sendable {
        /// An accepted socket whose number the worker now owns.
        case connection(Int32, peer: Socket.Address, input: Int)
        /// All documents of the batch are stored or dead-lettered (`isSafe`), or it was given up at the stop.
        case finished(batch: Int, isSafe: Bool)
        /// The indexer takes batches again.
        case room
        /// A database has been replaced; the old one's memory and disk space wait for the last to let go.
        case databaseReplaced
        /// Stop reading; the deadline is monotonic nanoseconds.
        case stop(deadline: Int64)
    }

    private let messages = Mutex<[Message]>([])
    private let waker: Waker

    init() throws(Errno) { waker = try Waker() }

    /// Becomes readable when messages wait.
    var descriptor: Int32 { waker.descriptor }

    func send(_ message: Message) {
        messages.withLock { $0.append(message) }
        waker.wake()
    }

    /// Takes all messages, in the order they were sent.
    func takeAll() -> [Message] {
        waker.reset()
        return messages.withLock { messages in
            defer { messages.removeAll(keepingCapacity: true) }
            return messages
        }
    }
}
