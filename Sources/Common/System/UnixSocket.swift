import Glibc

/// The file of a Unix socket that is listened on.
package struct UnixSocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// - Returns: nil when `address` is no Unix socket or has no file.
    package init?(_ address: Socket.Address) {
        var status = stat()
        guard let path = address.unixPath, lstat(path, &status) == 0 else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Removes the file, unless somebody has put another in its place.
    package func remove() {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        if unlink(path) != 0 {
            Log.warning("cannot remove the socket", ["path": path, "error": "\(Errno.current)"])
        }
    }
}

extension Socket {
    /// As `listen`, but on a Unix socket, replacing the file of a server that is no more.
    package static func listen(onUnix address: Address) throws(Errno) -> Descriptor {
        do throws(Errno) {
            return try listen(on: address)
        } catch {
            guard error.code == EADDRINUSE, let path = address.unixPath, isAbandoned(address) else {
                throw error
            }
            try Errno.check { unlink(path) }
            return try listen(on: address)
        }
    }

    /// Whether a file at `address` is a socket that no process listens on any more.
    private static func isAbandoned(_ address: Address) -> Bool {
        var status = stat()
        guard let path = address.unixPath, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK
        else {
            return false
        }
        do throws(Errno) {
            _ = try connect(to: address)
            return false
        } catch {
            return error.code == ECONNREFUSED
        }
    }
}
