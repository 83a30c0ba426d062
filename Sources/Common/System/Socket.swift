import CLinux
import Glibc

/// Stream sockets, TCP and Unix, non-blocking and close-on-exec.
package enum Socket {
    /// An address to connect to or to listen on, from getaddrinfo(3) or of a Unix socket.
    package struct Address: Sendable, CustomStringConvertible {
        fileprivate var storage: sockaddr_storage
        fileprivate var length: socklen_t

        /// 0 for a Unix socket.
        package var port: Int {
            guard unixPath == nil else { return 0 }
            var copy = storage
            return withUnsafeBytes(of: &copy) { bytes in
                Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            }
        }

        /// `10.0.0.1:5044`, `[::1]:5044` or `unix:/run/a.sock`.
        package var description: String {
            let text = host
            guard unixPath == nil else { return "unix:\(text)" }
            return text.utf8.contains(UInt8(ascii: ":")) ? "[\(text)]:\(port)" : "\(text):\(port)"
        }

        /// The numeric address without the port; the path of a Unix socket, empty for one without a name.
        package var host: String {
            if let unixPath { return unixPath }
            var copy = storage
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = length
            let code = withUnsafePointer(to: &copy) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getnameinfo($0, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                }
            }
            guard code == 0 else { return "?" }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// A connection that a listener took.
    package struct Accepted: ~Copyable {
        package let socket: Descriptor
        package let peer: Address

        /// Gives the parts to two owners.
        package consuming func take() -> Descriptor { socket }
    }

    /// Why a name has no address.
    package struct ResolutionFailure: Error, CustomStringConvertible {
        package let host: String
        package let reason: String
        package var description: String { "cannot resolve \(host): \(reason)" }
    }

    /// The addresses of a host.
    ///
    /// Blocks for as long as DNS takes: not for an event loop.
    ///
    /// - Parameter passive: for listening.
    package static func resolve(
        _ host: String,
        port: Int,
        passive: Bool = false
    ) throws(ResolutionFailure) -> [Address] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw ResolutionFailure(host: host, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next {
            var storage = sockaddr_storage()
            memcpy(&storage, entry.pointee.ai_addr, Int(entry.pointee.ai_addrlen))
            addresses.append(Address(storage: storage, length: entry.pointee.ai_addrlen))
            next = entry.pointee.ai_next
        }
        return addresses
    }

    /// A listening socket with SO_REUSEADDR.
    package static func listen(on address: Address, backlog: Int32 = 1024) throws(Errno) -> Descriptor {
        let socket = try make(address)
        var one: Int32 = 1
        setsockopt(socket.raw, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        let raw = socket.raw
        try Errno.check { address.with { bind(raw, $0, $1) } }
        try Errno.check { Glibc.listen(raw, backlog) }
        return socket
    }

    /// The address a socket is bound to: tells the port when 0 was asked for.
    package static func localAddress(of socket: Int32) throws(Errno) -> Address {
        try address { getsockname(socket, $0, $1) }
    }

    /// The address of the other end of a connection.
    package static func peerAddress(of socket: Int32) throws(Errno) -> Address {
        try address { getpeername(socket, $0, $1) }
    }

    private static func address(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(Errno) -> Address {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask($0, &length) }
        }
        guard code == 0 else { throw .current }
        return Address(storage: storage, length: length)
    }

    /// Accepts one connection with TCP_NODELAY; nil when none is waiting.
    package static func accept(on listener: borrowing Descriptor) throws(Errno) -> Accepted? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let raw = listener.raw
        let socket = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                accept4(raw, $0, &length, Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue))
            }
        }
        if socket < 0 {
            let error = Errno.current
            // The peer may have gone between the readiness and this call (accept(2), error handling).
            if [EAGAIN, EINTR, ECONNABORTED, EPROTO].contains(error.code) { return nil }
            throw error
        }
        noDelay(socket)
        return Accepted(
            socket: try Descriptor(adopting: socket),
            peer: Address(storage: storage, length: length)
        )
    }

    /// Starts to connect; the socket becomes writable when it is decided, then ask `connectionError`.
    package static func connect(to address: Address) throws(Errno) -> Descriptor {
        let socket = try make(address)
        noDelay(socket.raw)
        let raw = socket.raw
        try Errno.check(tolerating: .inProgress) { address.with { Glibc.connect(raw, $0, $1) } }
        return socket
    }

    /// Why a connection attempt failed; nil when it is established.
    package static func connectionError(of socket: borrowing Descriptor) -> Errno? {
        var code: Int32 = 0
        var length = socklen_t(4)
        guard getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return .current }
        return code == 0 ? nil : Errno(code)
    }

    /// send(2) without SIGPIPE; may send less, throws `wouldBlock` when nothing fits.
    package static func send(_ bytes: UnsafeRawBufferPointer, on socket: borrowing Descriptor) throws(Errno)
        -> Int
    {
        let raw = socket.raw
        return try Errno.check { Glibc.send(raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    private static func make(_ address: Address) throws(Errno) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return try Descriptor(adopting: socket(Int32(address.storage.ss_family), kind, 0))
    }

    private static func noDelay(_ socket: Int32) {
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }
}

extension Socket.Address {
    /// The address of a Unix socket; nil when the path is empty or too long (107 bytes, unix(7)).
    package init?(unixPath path: String) {
        var address = sockaddr_un()
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        storage = sockaddr_storage()
        memcpy(&storage, &address, MemoryLayout<sockaddr_un>.size)
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
    }

    /// The path of a Unix socket; nil for TCP.
    package var unixPath: String? {
        guard Int32(storage.ss_family) == AF_UNIX else { return nil }
        let offset = MemoryLayout<sa_family_t>.size
        guard Int(length) > offset else { return "" }
        return withUnsafeBytes(of: storage) { bytes in
            String(decoding: bytes[offset..<Int(length)].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
