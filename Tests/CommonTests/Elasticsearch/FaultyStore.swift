import Common
import Foundation
import Synchronization

/// An HTTP server for the answers that no real store gives on demand: 429, 413, half an answer, none at all.
///
/// It keeps every request and asks `answer` what to do with it.
final class FaultyStore: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        /// Names in lower case.
        let headers: [String: String]
        /// Inflated.
        let body: String
        /// Of all requests, counted from 0.
        let number: Int

        /// Ids of the documents of a bulk request.
        var ids: [String] {
            body.split(separator: "\n").filter { $0.hasPrefix(#"{"create""#) }.map { line in
                String(line.components(separatedBy: #""_id":""#)[1].prefix { $0 != "\"" })
            }
        }
    }

    enum Answer: Sendable {
        case status(Int, String, headers: [String] = [])
        /// The connection ends in the middle of the body.
        case half(String)
        /// The connection ends without an answer.
        case cut
        /// Nothing, until the client gives up.
        case silence
        /// Bytes as they are.
        case raw(String)

        /// A bulk answer with these statuses.
        static func items(_ statuses: [Int]) -> Answer {
            let items = statuses.map { status in
                let error =
                    switch status {
                    case 409: #","error":{"type":"version_conflict_engine_exception","reason":"exists"}"#
                    case 429: #","error":{"type":"es_rejected_execution_exception","reason":"queue is full"}"#
                    case 400: #","error":{"type":"document_parsing_exception","reason":"no number"}"#
                    case 403: #","error":{"type":"cluster_block_exception","reason":"blocked by: [write]"}"#
                    default: ""
                    }
                return #"{"create":{"status":\#(status)\#(error)}}"#
            }
            return .status(200, #"{"errors":true,"items":[\#(items.joined(separator: ","))]}"#)
        }
    }

    let port: Int
    private let listener: Int32
    private let answer: @Sendable (Request) -> Answer
    private let kept = Mutex<[Request]>([])
    private let isStopped = Atomic(false)

    init(port: Int = 0, answer: @escaping @Sendable (Request) -> Answer) throws {
        self.answer = answer
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = in_port_t(port).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        guard status == 0, listen(listener, 64) == 0 else { throw Errno.current }
        self.port = try Socket.localAddress(of: listener).port
        let server = self
        Foundation.Thread.detachNewThread { server.acceptAll() }
    }

    var address: HTTPServerAddress { get throws { try HTTPServerAddress("http://127.0.0.1:\(port)") } }

    var requests: [Request] { kept.withLock { $0 } }

    var bulkRequests: [Request] { requests.filter { $0.path.hasPrefix("/_bulk") } }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func acceptAll() {
        while !isStopped.load(ordering: .relaxed) {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let server = self
            Foundation.Thread.detachNewThread {
                while server.serveOne(connection) {}
                close(connection)
            }
        }
    }

    /// - Returns: whether the connection lives on.
    private func serveOne(_ connection: Int32) -> Bool {
        guard let request = read(connection) else { return false }
        switch answer(request) {
        case .status(let status, let body, let headers):
            let lines = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers
            let end = request.method == "HEAD" ? "" : body
            return write(lines.joined(separator: "\r\n") + "\r\n\r\n" + end, connection)
        case .half(let body):
            _ = write("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count * 2)\r\n\r\n" + body, connection)
            return false
        case .cut: return false
        case .silence:
            var byte: UInt8 = 0
            _ = recv(connection, &byte, 1, 0)
            return false
        case .raw(let text):
            _ = write(text, connection)
            return false
        }
    }

    private func write(_ text: String, _ connection: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        let blank = Data("\r\n\r\n".utf8)
        while true {
            if let end = Data(bytes).range(of: blank)?.upperBound {
                let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                        .trimmingCharacters(in: .whitespaces)
                }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                if bytes.count >= end + length {
                    let body = Array(bytes[end..<end + length])
                    let words = lines[0].split(separator: " ")
                    return kept.withLock { kept in
                        let request = Request(
                            method: String(words[0]),
                            path: String(words[1]),
                            headers: headers,
                            body: Self.inflated(body, isGzip: headers["content-encoding"] == "gzip"),
                            number: kept.count
                        )
                        kept.append(request)
                        return request
                    }
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            // A TLS handshake on a plain port: what real servers say.
            if bytes[0] == 0x16 {
                _ = write("HTTP/1.1 400 Bad Request\r\n\r\n", connection)
                return nil
            }
        }
    }

    private static func inflated(_ body: [UInt8], isGzip: Bool) -> String {
        guard isGzip else { return String(decoding: body, as: UTF8.self) }
        var output = ByteBuffer()
        let inflater = DeflateDecompressor()
        try? inflater.inflate(
            body.span.bytes,
            0..<body.count,
            as: .gzip,
            into: &output,
            limits: InflateLimits(maxBytes: 64 << 20, maxRatio: 100_000)
        )
        return output.text
    }
}
