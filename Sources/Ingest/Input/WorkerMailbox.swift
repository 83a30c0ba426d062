import Common
import Synchronization

/// What other threads tell a worker: new connections, finished bulks, the end.
///
/// Bounded by what the senders are allowed: connections by `limits.connections`, bulks by the indexer.
final class WorkerMailbox: Sendable {
    enum Message: Sendable {
        /// An accepted socket whose number the worker now owns.
        case connection(Int32, peer: Socket.Address, input: Int)
        /// All documents of the batch are stored or dead-lettered, or it was given up at the stop.
        case finished(batch: Int, BulkResult)
        /// Some documents of the batch were turned back.
        case turnedBack(batch: Int, BulkRemainder)
        /// The indexer takes batches again.
        case room
        /// The inputs of another configuration: they replace those before, from the next event on.
        case inputs(WorkerInputs)
        /// Answer with `answerPulse`.
        case pulse
        /// A database has been replaced; the old one's memory and disk space wait for the last to let go.
        case databaseReplaced
        /// Stop reading; the deadline is monotonic nanoseconds.
        case stop(deadline: Int64)
    }

    private let messages = Mutex<[Message]>([])
    private let waker: Waker
    private let pulses = Atomic(0)

    init() throws(Errno) { waker = try Waker() }

    /// Becomes readable when messages wait.
    var descriptor: Int32 { waker.descriptor }

    func send(_ message: Message) {
        messages.withLock { $0.append(message) }
        waker.wake()
    }

    /// Says that the worker's loop turns.
    func answerPulse() { pulses.add(1, ordering: .relaxed) }

    /// How often it has said so.
    var pulsesAnswered: Int { pulses.load(ordering: .relaxed) }

    /// Takes all messages, in the order they were sent.
    func takeAll() -> [Message] {
        waker.reset()
        return messages.withLock { messages in
            defer { messages.removeAll(keepingCapacity: true) }
            return messages
        }
    }
}
