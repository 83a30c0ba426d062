import Common
import Synchronization

/// A call that blocks (DNS, fsync), made on a thread of its own so that the event loop goes on.
///
/// One thread per call, no thread while there is none: these calls are seconds apart.
final class BackgroundCall<Value: Sendable>: Sendable {
    private final class Slot: Sendable {
        let value = Mutex<Value?>(nil)
    }

    private let slot: Slot
    private let thread: Thread

    /// - Parameter waker: woken when the value is there.
    /// - Throws: when the system has no thread to give.
    init(_ name: String, waker: Waker, _ body: @Sendable @escaping () -> Value) throws(Errno) {
        let slot = Slot()
        self.slot = slot
        thread = try Thread(name) {
            let value = body()
            slot.value.withLock { $0 = value }
            waker.wake()
        }
    }

    /// The value; nil while the call runs.
    func take() -> Value? {
        guard let value = slot.value.withLock({ $0 }) else { return nil }
        thread.join()
        return value
    }

    /// Waits for the value.
    func wait() -> Value? {
        thread.join()
        return slot.value.withLock { $0 }
    }
}
