import Common

/// Answers with a JSON body, in the shape that the client asks for.
///
/// Who accepts `application/json` or everything gets it indented; others, also those that say nothing, get one line of
/// plain text. Source: behaviour of Elastic's server.
enum Answer {
    /// - Parameters:
    ///   - json: a compact JSON text; empty for an answer without body.
    ///   - request: its `Accept` decides.
    static func json(
        status: Int = 200,
        _ json: [UInt8],
        headers: [HTTPRequest.Field] = [],
        to request: HTTPRequest
    ) -> HTTPResponse {
        guard !json.isEmpty else { return HTTPResponse(status: status, headers: headers) }
        let accept = request.header("Accept") ?? ""
        let wantsJSON = accept.contains("*/*") || accept.contains("application/json")
        var body = ByteBuffer(capacity: json.count + 64)
        json.withUnsafeBytes { bytes in
            if wantsJSON { body.append(indenting: bytes.bytes) } else { body.append(bytes) }
        }
        body.append(UInt8(ascii: "\n"))
        let type = wantsJSON ? "application/json" : "text/plain; charset=utf-8"
        return HTTPResponse(
            status: status,
            headers: [.init("Content-Type", type)] + headers,
            body: body.array
        )
    }

    /// `{"error":"…"}`.
    static func error(
        status: Int,
        _ message: String,
        headers: [HTTPRequest.Field] = [],
        to request: HTTPRequest
    ) -> HTTPResponse {
        var body = ByteBuffer(capacity: message.utf8.count + 16)
        body.append(#"{"error":"# as StaticString)
        body.append(jsonString: message)
        body.append(UInt8(ascii: "}"))
        return json(status: status, body.array, headers: headers, to: request)
    }
}

extension ByteBuffer {
    /// Appends valid compact JSON with each member and element on a line of its own, two blanks for each level.
    fileprivate mutating func append(indenting json: RawSpan) {
        var level = 0
        var index = 0
        while index < json.byteCount {
            let byte = json[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                let end = json.endOfString(from: index)
                append(json, index - 1..<end)
                index = end
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                append(byte)
                if index < json.byteCount, json[index] == byte + 2 {
                    append(json[index])
                    index += 1
                } else {
                    level += 1
                    newLine(level)
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                newLine(level)
                append(byte)
            case UInt8(ascii: ","):
                append(byte)
                newLine(level)
            case UInt8(ascii: ":"): append(": " as StaticString)
            default: append(byte)
            }
        }
    }

    private mutating func newLine(_ level: Int) {
        append(UInt8(ascii: "\n"))
        for _ in 0..<level { append("  " as StaticString) }
    }
}

extension RawSpan {
    /// Behind the closing quote of the string whose inside begins at `start`.
    fileprivate func endOfString(from start: Int) -> Int {
        var index = start
        while index < byteCount, self[index] != UInt8(ascii: "\"") {
            index += self[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, byteCount)
    }
}
