import Common

/// The head of an HTTP/1.1 request, as far as a bulk endpoint needs it.
struct HTTPRequestHead {
    var method = ""
    var target = ""
    var contentLength = 0
    var isGzip = false
    var expectsContinue = false
    /// Bytes of the head with its empty line.
    var byteCount = 0

    /// The path without its query.
    var path: Substring { target.prefix { $0 != "?" } }

    /// - Returns: nil until the whole head has arrived.
    static func parse(_ bytes: RawSpan) throws(BenchError) -> HTTPRequestHead? {
        guard let end = bytes.firstIndex(of: "\r\n\r\n", in: 0..<bytes.byteCount) else {
            guard bytes.byteCount < 65_536 else { throw BenchError("an HTTP head of more than 64 KiB") }
            return nil
        }
        var head = HTTPRequestHead()
        head.byteCount = end + 4
        let lines = bytes.text(0..<end).split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count == 3 else { throw BenchError("not an HTTP request line") }
        head.method = String(words[0])
        head.target = String(words[1])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw BenchError("a header without a colon") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }.lowercased()
            switch line[..<colon].lowercased() {
            case "content-length":
                guard let length = Int(value), length <= 100 << 20 else {
                    throw BenchError("Content-Length \(value)")
                }
                head.contentLength = length
            case "content-encoding": head.isGzip = value == "gzip"
            case "expect": head.expectsContinue = value == "100-continue"
            case "transfer-encoding": throw BenchError("this sink takes no chunked bodies")
            default: break
            }
        }
        return head
    }
}
