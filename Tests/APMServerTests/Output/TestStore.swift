import Common
import Foundation
import Synchronization

/// A store that keeps documents by id and behaves as badly as `behaviour` says.
///
/// Takes `_bulk` only; every other request is answered as by a store without templates of its own.
final class TestStore: Sendable {
    enum Answer: Sendable {
        /// 201 for a new document, 409 for one that is there.
        case take
        /// Takes the documents; the answer does not arrive.
        case takeAndCut
        case status(Int)
        /// 429 for these ids, the others are taken.
        case turnBack(Set<String>)
        /// 400 for these ids, the others are taken.
        case refuse(Set<String>)
        /// No answer before `open` is called; then as `take`.
        case hold
    }

    private struct State {
        var documents: [String: Int] = [:]
        var requests: [[String]] = []
        var paths: [String] = []
        var behaviour: @Sendable (Int, [String]) -> Answer
        var isOpen = false
        var connections: Set<Int32> = []
    }

    let port: Int
    private let listener: Int32
    private let state: Monitor<State>

    init(port: Int = 0, _ behaviour: @escaping @Sendable (Int, [String]) -> Answer = { _, _ in .take }) throws
    {
        state = Monitor(State(behaviour: behaviour))
        let socket = try Socket.listen(on: try Socket.resolve("127.0.0.1", port: port, passive: true)[0])
        self.port = try Socket.localAddress(of: socket.raw).port
        listener = socket.release()
        _ = fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK)
        let (listener, store) = (listener, self)
        Foundation.Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                store.state.change { _ = $0.connections.insert(connection) }
                Foundation.Thread.detachNewThread { store.serve(connection) }
            }
        }
    }

    var address: HTTPServerAddress { get throws { try HTTPServerAddress("http://127.0.0.1:\(port)") } }

    /// How often each document was sent and taken, whatever was answered: 1 or more; stored once in any case.
    var documents: [String: Int] { state.read { $0.documents } }

    /// Ids of each bulk request, in order.
    var requests: [[String]] { state.read { $0.requests } }

    func behave(_ behaviour: @escaping @Sendable (Int, [String]) -> Answer) {
        state.change { state in
            state.behaviour = behaviour
            state.isOpen = true
        }
    }

    /// Returns when the store has all of these.
    func wait(for ids: some Collection<String>) {
        let wanted = Set(ids)
        let limit = Clock.monotonic + 20_000_000_000
        state.wait { state -> Monitor<State>.Verdict<Void> in
            let isDone = wanted.allSatisfy { state.documents[$0] != nil } || Clock.monotonic >= limit
            return isDone ? .proceed(()) : .wait(until: limit)
        }
    }

    /// Returns when so many bulk requests have come.
    func wait(requests count: Int) {
        let limit = Clock.monotonic + 20_000_000_000
        state.wait { state -> Monitor<State>.Verdict<Void> in
            state.requests.count >= count || Clock.monotonic >= limit ? .proceed(()) : .wait(until: limit)
        }
    }

    /// Goes away: no connection is accepted or answered any longer.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        state.change { state in
            state.isOpen = true
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func serve(_ connection: Int32) {
        defer {
            state.change { _ = $0.connections.remove(connection) }
            close(connection)
        }
        while let (head, body) = read(connection) {
            guard head.contains("/_bulk") else {
                let isFound = head.hasPrefix("GET / ") || head.hasPrefix("PUT") || head.hasPrefix("HEAD")
                let text = head.hasPrefix("HEAD") ? "" : #"{"version":{"number":"8.15.3"}}"#
                guard write(isFound ? 200 : 404, text, connection) else { return }
                continue
            }
            guard answer(body, connection) else { return }
        }
    }

    /// - Returns: whether the connection lives on.
    private func answer(_ body: String, _ connection: Int32) -> Bool {
        let ids = body.split(separator: "\n").filter { $0.hasPrefix(#"{"create""#) }.map { line in
            String(line.components(separatedBy: #""_id":""#)[1].prefix { $0 != "\"" })
        }
        let answer = state.change { state in
            state.requests.append(ids)
            return state.behaviour(state.requests.count - 1, ids)
        }
        switch answer {
        case .take: return write(200, take(ids) { _ in nil }, connection)
        case .takeAndCut:
            _ = take(ids) { _ in nil }
            return false
        case .status(let status): return write(status, "{}", connection)
        case .turnBack(let some):
            return write(200, take(ids) { some.contains($0) ? 429 : nil }, connection)
        case .refuse(let some): return write(200, take(ids) { some.contains($0) ? 400 : nil }, connection)
        case .hold:
            state.wait { $0.isOpen ? .proceed(()) : .wait(until: Clock.monotonic + 1_000_000_000) }
            return write(200, take(ids) { _ in nil }, connection)
        }
    }

    private func take(_ ids: [String], _ refusal: (String) -> Int?) -> String {
        let items = state.change { state in
            ids.map { id -> String in
                if let status = refusal(id) {
                    let type =
                        status == 429 ? "es_rejected_execution_exception" : "document_parsing_exception"
                    return #"{"create":{"status":\#(status),"error":{"type":"\#(type)","reason":"no"}}}"#
                }
                state.documents[id, default: 0] += 1
                guard state.documents[id] == 1 else {
                    return
                        #"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"x"}}}"#
                }
                return #"{"create":{"status":201}}"#
            }
        }
        return #"{"errors":true,"items":[\#(items.joined(separator: ","))]}"#
    }

    private func write(_ status: Int, _ body: String, _ connection: Int32) -> Bool {
        let text = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(text.utf8)
        return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private func read(_ connection: Int32) -> (head: String, body: String)? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        let blank = Data("\r\n\r\n".utf8)
        while true {
            if let end = Data(bytes).range(of: blank)?.upperBound {
                let head = String(decoding: bytes[..<end], as: UTF8.self)
                let line = head.components(separatedBy: "\r\n").first {
                    $0.lowercased().hasPrefix("content-length:")
                }
                let length = line.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
                if bytes.count >= end + length {
                    return (head, String(decoding: bytes[end..<end + length], as: UTF8.self))
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }
}
