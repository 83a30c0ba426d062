/// One request of an HTTP client, complete with its body.
package struct HTTPRequest: Sendable {
    /// A header field or a parameter of the query.
    package struct Field: Equatable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        /// Whether this is the header `name`, in any case (RFC 9110, section 5.1).
        package func isNamed(_ name: String) -> Bool {
            let own = self.name.utf8
            let other = name.utf8
            guard own.count == other.count else { return false }
            return zip(own, other).allSatisfy { $0 == $1 || Self.lowercase($0) == Self.lowercase($1) }
        }

        private static func lowercase(_ byte: UInt8) -> UInt8 {
            UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
        }
    }

    /// `GET`, `HEAD`, `POST`…, as sent.
    package let method: String
    /// The path without query, percent-decoded.
    package let path: String
    /// The parameters behind the `?`, decoded, in order.
    package let query: [Field]
    package let headers: [Field]
    /// The address of the other end of the connection, without port; empty for a Unix socket.
    package let peer: String
    /// 0 for a Unix socket.
    package let peerPort: Int
    /// Whether it came over TLS.
    package let isSecure: Bool
    /// Empty while the request is only opened.
    package internal(set) var body: [UInt8]

    package init(
        method: String,
        path: String,
        query: [Field] = [],
        headers: [Field] = [],
        peer: String = "",
        peerPort: Int = 0,
        isSecure: Bool = false,
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.peerPort = peerPort
        self.isSecure = isSecure
        self.body = body
    }

    /// The value of the first header with that name, in any case.
    package func header(_ name: String) -> String? {
        headers.first { $0.isNamed(name) }?.value
    }

    /// The values of all headers with that name, in any case and in order.
    package func headers(_ name: String) -> [String] {
        headers.filter { $0.isNamed(name) }.map(\.value)
    }

    /// Whether a body follows, be it empty in the end.
    package var announcesBody: Bool {
        if header("transfer-encoding") != nil { return true }
        guard let length = header("content-length") else { return false }
        return length != "0"
    }

    /// The value of the first parameter with that name.
    package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// What stands in the request line behind the method (RFC 9112, section 3.2).
enum RequestTarget {
    /// The path of a target without query, decoded: of `/path`, and of `http://host/path` as it goes to proxies.
    static func path(_ target: String) -> String {
        for scheme in ["http://", "https://"] where target.hasPrefix(scheme) {
            let path = target.dropFirst(scheme.count).drop { $0 != "/" }
            return path.isEmpty ? "/" : PercentEncoding.decoded(String(path))
        }
        return PercentEncoding.decoded(target)
    }
}

/// `%41` and its like (RFC 3986, section 2.1).
enum PercentEncoding {
    /// `text` with every well-formed escape replaced; others stay as they are.
    static func decoded(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let high = Hexadecimal.value(source[index + 1]),
                let low = Hexadecimal.value(source[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
