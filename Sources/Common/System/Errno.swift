import Glibc

/// An error number of a system call.
package struct Errno: Error, Equatable, Hashable, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    /// The number that the last failed call of this thread left in `errno`.
    package static var current: Errno { Errno(errno) }

    /// The system's text, such as `No space left on device`.
    package var description: String {
        var text = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package static let wouldBlock = Errno(EAGAIN)
    package static let interrupted = Errno(EINTR)
    package static let noSpace = Errno(ENOSPC)
    package static let notFound = Errno(ENOENT)
    package static let exists = Errno(EEXIST)
    package static let inProgress = Errno(EINPROGRESS)

    /// Repeats `call` while a signal interrupts it.
    ///
    /// - Returns: what the call answered.
    /// - Throws: the error when it answered -1.
    @inline(__always)
    @discardableResult
    package static func check<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
        while true {
            let result = call()
            if result != -1 { return result }
            let error = Errno.current
            if error != .interrupted { throw error }
        }
    }

    /// As `check`, but one error is as good as success.
    package static func check(tolerating tolerated: Errno, _ call: () -> Int32) throws(Errno) {
        while true {
            guard call() == -1 else { return }
            let error = Errno.current
            if error == tolerated { return }
            if error != .interrupted { throw error }
        }
    }
}
