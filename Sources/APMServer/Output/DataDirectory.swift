import Common
import Glibc

/// The data directory of one running apm-server.
struct DataDirectory: ~Copyable, Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    /// The open lock file: closing it, also by a crash, gives the directory free.
    private let lock: Descriptor

    /// Makes the directory if it is missing and locks it for this process.
    init(_ path: String) throws(Failure) {
        do { try Path.createDirectories(path) } catch {
            throw Failure(description: "data_directory: \(error)")
        }
        let file = path + "/apm-server.lock"
        do {
            let lock = try Descriptor.open(file, O_RDWR | O_CREAT)
            let raw = lock.raw
            try Errno.check { flock(raw, LOCK_EX | LOCK_NB) }
            self.lock = lock
        } catch .wouldBlock {
            throw Failure(
                description: "data_directory \(path) is used by another running apm-server: "
                    + "stop it, or give this one a data_directory of its own"
            )
        } catch {
            throw Failure(description: "data_directory: cannot lock \(file): \(error)")
        }
        self.path = path
    }
}
