import Common

/// One HTTP connection of the bulk sink, with buffers that are used for request after request.
struct BulkConnection: ~Copyable {
    private static let maxInflatedBytes = 256 << 20

    private let stream: Stream
    private let decompressor = DeflateDecompressor()
    private var received = ByteBuffer(capacity: 1 << 20)
    private var inflated = ByteBuffer(capacity: 1 << 23)
    private var answer = ByteBuffer(capacity: 1 << 20)

    init(_ stream: Stream) { self.stream = stream }

    /// Waits for a whole request; its bytes stay until it is answered.
    ///
    /// - Returns: nil when the client is gone.
    mutating func nextRequest() throws -> HTTPRequestHead? {
        guard let head = try nextHead() else { return nil }
        if head.expectsContinue {
            answer.removeAll()
            answer.append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString)
            try stream.write(answer)
        }
        while received.count < head.byteCount + head.contentLength {
            guard try stream.read(into: &received, atMost: 1 << 20) > 0 else { return nil }
        }
        return head
    }

    private mutating func nextHead() throws -> HTTPRequestHead? {
        while true {
            let head = try received.withSpan { bytes throws(BenchError) in try HTTPRequestHead.parse(bytes) }
            if let head { return head }
            guard try stream.read(into: &received) > 0 else { return nil }
        }
    }

    /// Inflates and reads the body of a `_bulk` request.
    mutating func readBulk(_ head: HTTPRequestHead, now: Int64, into contents: inout BulkContents) throws {
        try inflateBody(head)
        contents.removeAll()
        let isFull = !head.target.contains("filter_path=")
        try inflated.withSpan { bytes throws(BenchError) in
            try BulkBody.read(bytes, isFull: isFull, now: now, into: &contents)
        }
    }

    private mutating func inflateBody(_ head: HTTPRequestHead) throws {
        let body = head.byteCount..<head.byteCount + head.contentLength
        guard head.isGzip else {
            inflated.removeAll()
            received.withSpan { inflated.append($0, body) }
            return
        }
        let limits = InflateLimits(maxBytes: Self.maxInflatedBytes)
        try received.withSpan { bytes throws(DeflateError) in
            try decompressor.inflate(bytes, body, as: .gzip, into: &inflated, limits: limits)
        }
    }

    /// Answers a bulk with one item per document.
    mutating func answerBulk(_ head: HTTPRequestHead, _ contents: borrowing BulkContents) throws {
        let start: StaticString = #"{"errors":false,"took":5,"items":["#
        answer.removeAll()
        appendHead("200 OK", length: start.utf8CodeUnitCount + contents.items.count + 2)
        answer.append(start)
        answer.append(contents.items)
        answer.append("]}" as StaticString)
        try finish(head)
    }

    /// Answers questions at start: the product is Elasticsearch, whatever is put is acknowledged, nothing is there.
    mutating func answer(_ head: HTTPRequestHead) throws {
        let status: String
        let body: String
        switch (head.method, head.path) {
        case ("GET", "/"), ("HEAD", "/"):
            status = "200 OK"
            body =
                #"{"name":"bench","cluster_name":"bench","version":{"number":"8.15.3","build_flavor":"default"},"#
                + #""tagline":"You Know, for Search"}"#
        case ("PUT", _), ("POST", _):
            status = "200 OK"
            body = #"{"acknowledged":true}"#
        default:
            status = "404 Not Found"
            body = #"{"error":{"type":"resource_not_found_exception","reason":"nothing here"},"status":404}"#
        }
        answer.removeAll()
        appendHead(status, length: body.utf8.count)
        if head.method != "HEAD" { answer.append(body) }
        try finish(head)
    }

    private mutating func appendHead(_ status: String, length: Int) {
        answer.append("HTTP/1.1 \(status)\r\nX-Elastic-Product: Elasticsearch\r\n")
        answer.append("Content-Type: application/json\r\nContent-Length: \(length)\r\n\r\n")
    }

    /// Sends the answer and drops the request.
    private mutating func finish(_ head: HTTPRequestHead) throws {
        try stream.write(answer)
        received.removeFirst(head.byteCount + head.contentLength)
    }
}
