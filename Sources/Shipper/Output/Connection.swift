import Common
import Glibc

/// One TCP connection to a receiver, with or without TLS.
///
/// Calls never block.
final class Connection {
    enum Progress: Equatable {
        case moved(Int)
        case wantsRead
        case wantsWrite
        case closed
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// Set when it is TLS that failed.
        var tls: TLSError?
    }

    private var tls: TLSConnection?
    private let socket: Descriptor

    init(adopting socket: consuming Descriptor) { self.socket = socket }

    var raw: Int32 { socket.raw }

    /// Why the attempt to connect failed; nil when the connection is there.
    var connectionError: Errno? { Socket.connectionError(of: socket) }

    /// What TLS has agreed on; nil without TLS.
    var security: (version: String, certificate: TLSPeerCertificate?)? {
        switch tls {
        case .some(let tls): (tls.version, tls.peerCertificate)
        case .none: nil
        }
    }

    /// Puts TLS on the connection; `handshake` comes next.
    func startTLS(_ context: TLSContext, serverName: String) throws(Failure) {
        do {
            tls = try TLSConnection(client: context, socket: socket.raw, serverName: serverName)
        } catch {
            throw Failure(description: "TLS: \(error)", tls: error)
        }
    }

    /// - Returns: `.moved(0)` when the connection may be used.
    func handshake() throws(Failure) -> Progress {
        do {
            return try Self.progress(tls?.handshake() ?? .done(bytes: 0))
        } catch {
            throw Failure(description: "TLS: \(error)", tls: error)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Progress {
        guard tls == nil else {
            do {
                return try Self.progress(tls?.write(bytes) ?? .closed)
            } catch {
                throw Failure(description: "TLS: \(error)", tls: error)
            }
        }
        do {
            return .moved(try Socket.send(bytes, on: socket))
        } catch .wouldBlock {
            return .wantsWrite
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer) throws(Failure) -> Progress {
        guard tls == nil else {
            do {
                return try Self.progress(tls?.read(into: bytes) ?? .closed)
            } catch {
                throw Failure(description: "TLS: \(error)", tls: error)
            }
        }
        do {
            let count = try socket.read(into: bytes)
            return count == 0 ? .closed : .moved(count)
        } catch .wouldBlock {
            return .wantsRead
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// Says goodbye, if that is possible at once.
    func close() {
        do {
            _ = try tls?.shutdown()
        } catch {
            Log.debug("TLS connection did not close in order", ["error": "\(error)"])
        }
    }

    private static func progress(_ progress: TLSConnection.Progress) -> Progress {
        switch progress {
        case .done(let bytes): .moved(bytes)
        case .wantsRead: .wantsRead
        case .wantsWrite: .wantsWrite
        case .closed: .closed
        }
    }
}
