import Common

/// Where a request comes from: the client that a proxy names, else the other end of the connection.
struct ClientAddress: Equatable, Sendable {
    /// Numeric, without port; empty when unknown.
    var ip = ""
    /// 0 when unknown.
    var port = 0
    /// The peer's address when a proxy header named another client; empty otherwise.
    var natIP = ""

    /// The first valid address of `Forwarded` (RFC 7239, its first element), `X-Real-IP` and `X-Forwarded-For` (its
    /// first element), else the peer.
    init(_ request: HTTPRequest) {
        let peer = Self.find(in: request.peer) { NetworkAddress($0, $1) }?.ip ?? request.peer
        let named =
            request.header("Forwarded").flatMap { Self.find(in: $0) { $0.forwardedAddress($1) } }
            ?? request.header("X-Real-IP").flatMap { Self.find(in: $0) { NetworkAddress($0, $1) } }
            ?? request.header("X-Forwarded-For").flatMap { header in
                Self.find(in: header) { NetworkAddress($0, $0.firstPart(of: $1, until: UInt8(ascii: ","))) }
            }
        if let named {
            (ip, port, natIP) = (named.ip, named.port, peer)
        } else {
            (ip, port) = (peer, request.peerPort)
        }
    }

    private static func find(
        in text: String,
        _ find: (RawSpan, Range<Int>) -> NetworkAddress?
    ) -> (ip: String, port: Int)? {
        let bytes = Array(text.utf8)
        guard let address = find(bytes.span.bytes, 0..<bytes.count) else { return nil }
        var ip = ByteBuffer()
        ip.append(ip: address.ip, of: bytes.span.bytes)
        let name = String(decoding: ip.array, as: UTF8.self)
        // A socket for both families spells IPv4 in IPv6.
        guard name.hasPrefix("::ffff:"), name.contains(".") else { return (name, address.port) }
        return (String(name.dropFirst(7)), address.port)
    }
}
