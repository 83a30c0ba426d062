import Common
import Glibc
import Synchronization

/// An Elasticsearch that keeps no document: one item per document in every answer, and a count of ids, so that
/// losses and doubles are seen.
final class BulkSink: Sendable {
    private struct State {
        var ids: IDSet
        var documents = 0
        var documentBytes = 0
        var wireBytes = 0
        var bulks = 0
        var latencies = Latencies()
        var started: Int64 = 0
        var completed: Int64 = 0
    }

    private let expected: Int
    private let state: Mutex<State>

    init(_ arguments: Arguments) throws(BenchError) {
        expected = try arguments.number("expect")
        state = Mutex(State(ids: IDSet(expected: expected)))
    }

    func run() throws {
        try Server.run(report: { json("end") }) { [self] in try serve($0) }
    }

    private func serve(_ stream: Stream) throws {
        var received = ByteBuffer(capacity: 1 << 20)
        var inflated = ByteBuffer(capacity: 1 << 23)
        var contents = BulkContents()
        var answer = ByteBuffer(capacity: 1 << 20)
        let decompressor = DeflateDecompressor()
        while true {
            var head: HTTPRequestHead?
            while head == nil {
                head = try received.withSpan { bytes throws(BenchError) in try HTTPRequestHead.parse(bytes) }
                if head == nil, try stream.read(into: &received) == 0 { return }
            }
            guard let head else { return }
            if head.expectsContinue {
                answer.removeAll()
                answer.append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString)
                try stream.write(answer)
            }
            let end = head.byteCount + head.contentLength
            while received.count < end {
                guard try stream.read(into: &received, atMost: 1 << 20) > 0 else { return }
            }
            answer.removeAll()
            if head.method == "POST", head.path.hasSuffix("/_bulk") {
                contents.removeAll()
                let now = Clock.monotonic
                let isFull = !head.target.contains("filter_path=")
                if head.isGzip {
                    try received.withSpan { bytes throws(DeflateError) in
                        try decompressor.inflate(
                            bytes,
                            head.byteCount..<end,
                            as: .gzip,
                            into: &inflated,
                            limits: InflateLimits(maxBytes: 256 << 20)
                        )
                    }
                } else {
                    inflated.removeAll()
                    received.withSpan { inflated.append($0, head.byteCount..<end) }
                }
                try inflated.withSpan { bytes throws(BenchError) in
                    try BulkBody.read(bytes, isFull: isFull, now: now, into: &contents)
                }
                record(contents, wireBytes: end, now: now)
                Self.appendBulkAnswer(contents.items, to: &answer)
            } else {
                Self.appendAnswer(to: head, &answer)
            }
            try stream.write(answer)
            received.removeFirst(end)
        }
    }

    private func record(_ contents: borrowing BulkContents, wireBytes: Int, now: Int64) {
        let documentBytes = contents.documentBytes
        let ages = contents.ages
        let hashes = contents.idHashes
        let isComplete = state.withLock { state in
            if state.started == 0 { state.started = now }
            state.bulks += 1
            state.documents += hashes.count
            state.documentBytes += documentBytes
            state.wireBytes += wireBytes
            for age in ages { state.latencies.add(age) }
            for hash in hashes { _ = state.ids.insert(hash) }
            guard state.ids.count >= expected, state.completed == 0 else { return false }
            state.completed = Clock.monotonic
            return true
        }
        if isComplete { Console.report(json("complete")) }
    }

    private static func appendBulkAnswer(_ items: borrowing ByteBuffer, to answer: inout ByteBuffer) {
        let start: StaticString = #"{"errors":false,"took":5,"items":["#
        appendHead("200 OK", length: start.utf8CodeUnitCount + items.count + 2, to: &answer)
        answer.append(start)
        answer.append(items)
        answer.append("]}" as StaticString)
    }

    /// Start-up questions: the product is Elasticsearch, whatever is put is acknowledged, nothing is there yet.
    private static func appendAnswer(to head: HTTPRequestHead, _ answer: inout ByteBuffer) {
        let status: String
        var body = ""
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
        appendHead(status, length: body.utf8.count, to: &answer)
        if head.method != "HEAD" { answer.append(body) }
    }

    private static func appendHead(_ status: String, length: Int, to answer: inout ByteBuffer) {
        answer.append("HTTP/1.1 \(status)\r\nX-Elastic-Product: Elasticsearch\r\n")
        answer.append("Content-Type: application/json\r\nContent-Length: \(length)\r\n\r\n")
    }

    private func json(_ event: String) -> String {
        state.withLock { state in
            "{\"event\":\"\(event)\",\"events\":\(state.documents),\"distinct\":\(state.ids.count)"
                + ",\"document_bytes\":\(state.documentBytes),\"wire_bytes\":\(state.wireBytes)"
                + ",\"bulks\":\(state.bulks),\"started\":\(state.started),\"completed\":\(state.completed)"
                + "\(state.latencies.json)}"
        }
    }
}
