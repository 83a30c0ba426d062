import Glibc

/// State that threads share and wait for: a mutex and a condition variable around one value.
package final class Monitor<State>: @unchecked Sendable {
    // Sendable is true because the state is touched only between lock and unlock of the mutex.

    /// What a waiting thread does after a look at the state.
    package enum Verdict<Result> {
        case proceed(Result)
        /// Look again at this moment (monotonic nanoseconds), or when another thread changed the state.
        case wait(until: Int64)
    }

    // Heap cells, because the system forbids moving either of them.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    package init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Reads the state.
    package func read<Result>(_ body: (State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(state)
    }

    /// Changes the state and wakes every thread that waits.
    package func change<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Changes the state and wakes one thread that waits, whichever: for work that any of them can take.
    package func changeForOne<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Changes the state in a way that no waiting thread needs to learn of: nobody is woken.
    package func update<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Waits until `body` proceeds.
    ///
    /// It is called at once, after each change and at the moment it asked for.
    package func wait<Result>(_ body: (inout State) -> Verdict<Result>) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch body(&state) {
            case .proceed(let result): return result
            case .wait(let moment):
                var time = timespec(
                    tv_sec: time_t(moment / 1_000_000_000),
                    tv_nsec: Int(moment % 1_000_000_000)
                )
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
    }
}
