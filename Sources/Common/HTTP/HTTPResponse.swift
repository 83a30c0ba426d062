/// The answer to one request.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// In the order they are sent; a name may come several times.
    ///
    /// `Content-Length`, `Date` and `X-Content-Type-Options` are added.
    package var headers: [HTTPRequest.Field]
    /// Not sent with 304, nor in answer to `HEAD`, where only its length is told (RFC 9110, section 8.6).
    package var body: [UInt8]
    /// Sends `Connection: Close` and closes the connection behind the answer.
    package var closesConnection = false

    package init(status: Int, headers: [HTTPRequest.Field] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON document.
    package static func json(status: Int = 200, _ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: status, headers: [.init("Content-Type", "application/json")], body: body)
    }

    /// `{"error":"…"}`.
    package static func error(status: Int, _ message: String) -> HTTPResponse {
        var body = ByteBuffer()
        body.append(#"{"error":"# as StaticString)
        body.append(jsonString: message)
        body.append("}\n" as StaticString)
        return json(status: status, body.array)
    }
}
