/// One server of `output.elasticsearch.hosts`: `http://es-1:9200`, `https://es.example/prefix`, `es-1`.
package struct HTTPServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// What a host setting lacks or has too much.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    /// The port of Elasticsearch, also behind `https://`, as Beats and Logstash have it.
    package static let defaultPort = 9200

    /// `scheme://host:port`, for messages and requests.
    package let origin: String
    /// The host alone, IPv6 addresses without brackets.
    package let name: String
    package let port: Int
    /// Path in front of every request, without a slash at its end.
    package let prefix: String
    package let isTLS: Bool

    package var description: String { origin + prefix }

    /// Whether requests stay on this machine, by the look of the name.
    package var isLoopback: Bool {
        ["//127.", "//localhost:", "//[::1]:"].contains { origin.contains($0) }
    }

    package init(_ text: String) throws(Problem) {
        var rest = Substring(text)
        var scheme = "http"
        if let end = rest.firstRange(of: "://") {
            scheme = rest[..<end.lowerBound].lowercased()
            rest = rest[end.upperBound...]
        }
        guard scheme == "http" || scheme == "https" else {
            throw Problem("a host starts with http:// or https://, not \(scheme)://")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        let authority = rest[..<slash]
        // Never repeated in the message: it may hold a password.
        guard !authority.contains("@") else {
            throw Problem("credentials do not belong into a host; use username and password, or api_key")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("?"), !text.contains("#")
        else {
            throw Problem("a host is scheme://name:port/path without blanks, query or fragment")
        }
        let (host, port) = try Self.split(authority)
        origin = "\(scheme)://\(host):\(port)"
        name = String(host.hasPrefix("[") ? host.dropFirst().dropLast() : host)
        self.port = port
        prefix = String(path)
        isTLS = scheme == "https"
    }

    private static func split(_ authority: Substring) throws(Problem) -> (host: Substring, port: Int) {
        var host = authority
        var port = defaultPort
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number)
            else {
                throw Problem("the port of a host is a number from 1 to 65535")
            }
            port = number
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        guard !host.isEmpty, isBracketed || !host.contains(where: { "[]:".contains($0) }) else {
            throw Problem("a host needs a name or an address; IPv6 addresses stand in [brackets]")
        }
        return (host, port)
    }
}
