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
        do throws(Errno) {
            guard let address = Socket.Address(unixPath: path) else {
                throw Errno(path.isEmpty ? EINVAL : ENAMETOOLONG)
            }
            return try Socket.listen(onUnix: address)
        } catch {
            throw .listen(address: "unix:\(path)", cause: error)
        }
    }
}
