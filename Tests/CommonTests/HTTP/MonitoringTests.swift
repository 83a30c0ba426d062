import Common
import Synchronization
import Testing

@Suite("Monitoring")
struct MonitoringTests {
    private final class State: Sendable {
        let reasons = Mutex<[String]>([])
    }

    @Test("shows health, numbers and ports, and nothing else")
    func paths() throws {
        let metrics = Metrics()
        metrics.counter("test_events_total", "Events.").add(7)
        let state = State()
        let monitoring = Monitoring(
            service: "test",
            metrics: metrics,
            listeners: { [Monitoring.Listener("beats", "127.0.0.1:5044")] },
            health: { Health(reasons: state.reasons.withLock { $0 }) }
        )
        var configuration = MonitoringConfiguration(port: 0)
        let server = try #require(try monitoring.start(configuration))
        let port = server.address.port
        func get(_ path: String, method: String = "GET") throws -> (Int?, String, String) {
            let answer = try RawClient.get(path, method: method, port: port)
            return (RawClient.status(of: answer), RawClient.body(of: answer), answer)
        }

        #expect(try get("/healthz").0 == 200)
        #expect(try get("/healthz").1 == "{\"status\":\"ok\"}\n")
        state.reasons.withLock { $0 = ["store \"a\" is down", "disk full"] }
        #expect(try get("/healthz").0 == 503)
        #expect(
            try get("/healthz").1
                == "{\"status\":\"unavailable\",\"reasons\":[\"store \\\"a\\\" is down\",\"disk full\"]}\n"
        )
        let stats = try get("/stats").1
        #expect(
            stats.hasPrefix("{\"service\":{\"name\":\"test\",\"version\":\"\(Version.current)\"},\"pid\":")
        )
        #expect(stats.contains("\"listening\":{\"beats\":\"127.0.0.1:5044\"}"))
        #expect(stats.contains("\"test_events_total\":7"))
        let bytes = Array(stats.utf8)
        var reader = JSONReader()
        _ = try reader.value(bytes.span.bytes)
        let text = try get("/metrics")
        #expect(text.1.contains("# TYPE test_events_total counter\ntest_events_total 7\n"))
        #expect(text.1.contains("process_open_fds ") && !text.1.contains("process_resident_memory_bytes 0\n"))
        #expect(text.2.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        let head = try get("/metrics", method: "HEAD")
        #expect(head.0 == 200 && head.1.isEmpty && head.2.contains("Content-Length: "))
        #expect(try get("/").0 == 404)
        #expect(try get("/stats/").0 == 404)
        let post = try get("/stats", method: "POST")
        #expect(post.0 == 405 && post.2.contains("Allow: GET, HEAD"))

        configuration.isEnabled = false
        #expect(try monitoring.start(configuration) == nil)
    }
}
