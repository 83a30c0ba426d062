import Common
import Synchronization

/// An HTTP server on a free port that answers as a test tells it, and keeps what it was asked.
final class FakeElasticsearch: Sendable {
    let settings: ElasticsearchSettings
    private let server: HTTPServer
    private let kept: Monitor<[HTTPRequest]>

    /// - Parameter path: the only one that is answered.
    init(_ path: String, answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws {
        let kept = Monitor<[HTTPRequest]>([])
        self.kept = kept
        var router = HTTPRouter()
        router.on(nil, path) { request in
            kept.change { $0.append(request) }
            return answer(request)
        }
        server = try HTTPServer(HTTPServer.Settings(host: "127.0.0.1", port: 0), router: router)
        settings = ElasticsearchSettings(hosts: [try HTTPServerAddress("http://\(server.address)")])
    }

    var requests: [HTTPRequest] { kept.read { $0 } }

    func stop() { server.stop() }
}

/// Counts calls from other threads, and lets a test wait for them.
final class Signal: Sendable {
    private let count = Monitor(0)

    func fire() { count.change { $0 += 1 } }

    /// - Returns: whether there were that many calls within ten seconds.
    func wait(for wanted: Int = 1) -> Bool {
        let deadline = Clock.monotonic + 10_000_000_000
        return count.wait { count in
            if count >= wanted { return .proceed(true) }
            return Clock.monotonic >= deadline ? .proceed(false) : .wait(until: deadline)
        }
    }
}

/// An exchange that only counts its wake-ups.
final class TestExchange: HTTPExchange {
    let signal = Signal()
    func wake() { signal.fire() }
}

extension HTTPOpening {
    /// The answer, if it was given at once.
    var response: HTTPResponse? {
        if case .respond(let response) = self { response } else { nil }
    }

    var stream: (any HTTPBodyStream)? {
        if case .stream(let stream) = self { stream } else { nil }
    }

    /// The stream of a request that is not read yet.
    var waiting: (any HTTPBodyStream)? {
        if case .wait(let stream) = self { stream } else { nil }
    }
}

extension HTTPStep {
    var response: HTTPResponse? {
        if case .respond(let response) = self { response } else { nil }
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension HTTPBodyStream {
    func receive(_ text: String) -> HTTPStep {
        Array(text.utf8).withUnsafeBytes { receive($0.bytes) }
    }
}
