import Common
import Glibc

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
        let peer = Self.parse(request.peer)?.ip ?? request.peer
        let named =
            request.header("Forwarded").flatMap(Self.forwarded)
            ?? request.header("X-Real-IP").flatMap { Self.parse($0) }
            ?? request.header("X-Forwarded-For").flatMap { Self.parse($0.prefix { $0 != "," }) }
        if let named {
            (ip, port, natIP) = (named.ip, named.port, peer)
        } else {
            (ip, port) = (peer, request.peerPort)
        }
    }

    /// `for=192.0.2.43;proto=http, for=…`: the address behind the first element's `for`.
    private static func forwarded(_ header: String) -> (ip: String, port: Int)? {
        for pair in header.prefix(while: { $0 != "," }).split(separator: ";") {
            guard let equals = pair.firstIndex(of: "="),
                trimmed(pair[..<equals]).lowercased() == "for"
            else { continue }
            return parse(pair[pair.index(after: equals)...])
        }
        return nil
    }

    /// `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`, in quotes or not; nil for host names and anything else.
    private static func parse(_ text: some StringProtocol) -> (ip: String, port: Int)? {
        var text = trimmed(Substring(text))
        if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        if let ip = canonical(text) { return (ip, 0) }
        guard text.first == "[" else {
            guard let colon = text.firstIndex(of: ":"), let ip = canonical(text[..<colon]) else { return nil }
            return (ip, port(text[colon...]))
        }
        guard let end = text.firstIndex(of: "]") else { return nil }
        let rest = text[text.index(after: end)...]
        guard rest.isEmpty || rest.first == ":",
            let ip = canonical(text[text.index(after: text.startIndex)..<end])
        else { return nil }
        return (ip, port(rest))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    private static func port(_ text: Substring) -> Int {
        UInt16(text.dropFirst()).map(Int.init) ?? 0
    }

    /// The usual spelling of a numeric address; IPv4 in IPv6 (`::ffff:1.2.3.4`) as IPv4.
    private static func canonical(_ text: Substring) -> String? {
        // Longer than the longest address (INET6_ADDRSTRLEN) is none.
        guard (2...45).contains(text.utf8.count) else { return nil }
        let text = String(text)
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return name(AF_INET, &four) }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let name = name(AF_INET6, &six)
        guard name.hasPrefix("::ffff:"), name.contains(".") else { return name }
        return String(name.dropFirst(7))
    }

    private static func name(_ family: Int32, _ address: UnsafeRawPointer) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { room in
            guard let base = room.baseAddress, inet_ntop(family, address, base, socklen_t(room.count)) != nil
            else { return "" }
            return String(cString: base)
        }
    }
}
