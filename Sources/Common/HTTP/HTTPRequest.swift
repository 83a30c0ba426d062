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
    }

    /// `GET`, `HEAD`, `POST`…, as sent.
    package let method: String
    /// The path without query, percent-decoded.
    package let path: String
    /// The parameters behind the `?`, decoded, in order.
    package let query: [Field]
    package let headers: [Field]
    /// The address of the other end of the connection, without port.
    package let peer: String
    package let body: [UInt8]

    package init(
        method: String,
        path: String,
        query: [Field] = [],
        headers: [Field] = [],
        peer: String = "",
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.body = body
    }

    /// The value of the first header with that name, in any case.
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// The value of the first parameter with that name.
    package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// `%41` and its like (RFC 3986, section 2.1).
enum PercentEncoding {
    /// `text` with every well-formed escape replaced; others stay as they are.
    static func decoded(_ text: String) -> String {
        let source = Array(text.utf8)
        guard source.contains(UInt8(ascii: "%")) else { return text }
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
