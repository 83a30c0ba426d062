import CLinux
import Glibc
import Synchronization

/// A thread of the system with a name, joined at the end.
///
/// All signals are blocked in it: `Signals` receives them in one place.
package final class Thread: Sendable {
    private let handle: Mutex<pthread_t?>

    /// Starts `body` on a new thread.
    ///
    /// - Parameter name: shown by `top -H`; the kernel keeps 15 bytes.
    /// - Parameter stackBytes: rounded up by the system; our loops are shallow.
    /// - Throws: when the system has no thread to give.
    package init(
        _ name: String,
        stackBytes: Int = 512 * 1024,
        _ body: sending @escaping () -> Void
    ) throws(Errno) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                Signals.blockAll()
                _ = start.name.withCString { pthread_setname_np(pthread_self(), $0) }
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard code == 0 else {
            start.release()
            throw Errno(code)
        }
        handle = Mutex(thread)
    }

    /// Waits until the thread has ended.
    ///
    /// The second call answers at once.
    package func join() {
        let thread = handle.withLock { handle -> pthread_t? in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }

    private final class Start {
        let name: String
        let body: () -> Void

        init(name: String, body: @escaping () -> Void) {
            self.name = String(name.prefix(15))
            self.body = body
        }
    }
}
