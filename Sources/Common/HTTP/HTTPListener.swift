import Glibc

/// Opens the socket that a server listens on.
enum HTTPListener {
    /// - Parameter host: a name, an address, or `unix:/path`.
    static func open(host: String, port: Int) throws(HTTPServer.Failure) -> Descriptor {
        guard !host.hasPrefix("unix:") else { return try open(unixPath: String(host.dropFirst(5))) }
        let addresses: [Socket.Address]
        do {
            addresses = try Socket.resolve(host, port: port, passive: true)
        } catch {
            throw .resolution(error)
        }
        var failure = HTTPServer.Failure.start(cause: .notFound)
        for address in addresses {
            do throws(Errno) {
                return try Socket.listen(on: address)
            } catch {
                failure = .listen(address: address.description, cause: error)
                // A name may stand for IPv6 and IPv4 on a machine that has only one of them.
                guard [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) else { break }
            }
        }
        throw failure
    }

    private static func open(unixPath path: String) throws(HTTPServer.Failure) -> Descriptor {
        guard let address = Socket.Address(unixPath: path) else {
            throw .listen(address: "unix:\(path)", cause: Errno(path.isEmpty ? EINVAL : ENAMETOOLONG))
        }
        do throws(Errno) {
            do throws(Errno) {
                return try Socket.listen(on: address)
            } catch {
                guard error.code == EADDRINUSE, isAbandoned(address) else { throw error }
                try Errno.check { unlink(path) }
                return try Socket.listen(on: address)
            }
        } catch {
            throw .listen(address: address.description, cause: error)
        }
    }

    /// Whether a file at `address` is a socket that no process listens on any more.
    private static func isAbandoned(_ address: Socket.Address) -> Bool {
        var status = stat()
        guard let path = address.unixPath, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK
        else {
            return false
        }
        do throws(Errno) {
            _ = try Socket.connect(to: address)
            return false
        } catch {
            return error.code == ECONNREFUSED
        }
    }
}

/// The file of a Unix socket, by its identity: another server may have put its own in the same place.
struct UnixSocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// - Returns: nil when `address` is no Unix socket or has no file.
    init?(_ address: Socket.Address) {
        var status = stat()
        guard let path = address.unixPath, lstat(path, &status) == 0 else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    func remove() {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        if unlink(path) != 0 {
            Log.warning("cannot remove the socket", ["path": path, "error": "\(Errno.current)"])
        }
    }
}
