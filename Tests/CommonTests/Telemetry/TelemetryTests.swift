import Common
import Testing

@Suite("Telemetry")
struct TelemetryTests {
    @Test("writes Prometheus text and JSON")
    func output() {
        let metrics = Metrics()
        metrics.counter("ingest_events_total", "Events received.").add(3)
        metrics.gauge("ingest_connections", "Open connections.", [("port", "5044")]).set(2)
        metrics.gauge("ingest_connections", "Open connections.", [("port", "a\"b")]) { 0.5 }
        var text = ByteBuffer()
        metrics.appendPrometheus(to: &text)
        #expect(
            text.text == """
                # HELP ingest_events_total Events received.
                # TYPE ingest_events_total counter
                ingest_events_total 3
                # HELP ingest_connections Open connections.
                # TYPE ingest_connections gauge
                ingest_connections{port="5044"} 2
                ingest_connections{port="a\\"b"} 0.5

                """
        )
        var json = ByteBuffer()
        metrics.appendJSON(to: &json)
        #expect(
            json.text == #"{"ingest_events_total":3,"ingest_connections":[{"port":"5044","value":2},"#
                + #"{"port":"a\"b","value":0.5}]}"#
        )
    }

    @Test("forgets series of what is gone, and no others")
    func forgets() {
        let metrics = Metrics()
        for (name, id) in [("filter_a", "1"), ("filter_b", "1"), ("filter_a", "2"), ("other", "1")] {
            metrics.counter(name, "", [("pipeline", "p"), ("id", id)]).add()
        }
        metrics.keep("filter_") { $0 == ["p", "2"] }
        let left = ["filter_a", "filter_b", "other"].map {
            metrics.snapshot.samples($0).map { $0.labels["id"] }
        }
        #expect(left == [["2"], [], ["1"]])
    }

    @Test("answers numbers by name and labels")
    func snapshot() {
        let metrics = Metrics()
        metrics.counter("events", "", [("pipeline", "a"), ("id", "1")]).add(3)
        metrics.counter("events", "", [("pipeline", "a"), ("id", "2")]).add(4)
        metrics.counter("events", "", [("pipeline", "b"), ("id", "1")]).add(5)
        metrics.time("busy_seconds_total", "").add(nanoseconds: 1_500_000_000)
        metrics.gauges("things", "", label: "path") { [("x", 1)] }
        let snapshot = metrics.snapshot
        metrics.counter("events", "", [("pipeline", "b"), ("id", "1")]).add(5)
        #expect(snapshot.sum("events") == 12)
        #expect(snapshot.sum("events", ["pipeline": "a"]) == 7)
        #expect(snapshot.samples("events", ["id": "1"]).map(\.value) == [3, 5])
        #expect(snapshot.sum("events", ["id": "3"]) == 0)
        #expect(snapshot.sum("busy_seconds_total") == 1.5)
        #expect(snapshot.samples("things").isEmpty)
        #expect(snapshot.samples("unknown").isEmpty)
    }

    @Test("makes series of things that come and go when someone asks, for Prometheus only")
    func collected() {
        let metrics = Metrics()
        let files = Counter()
        metrics.gauges("lag_bytes", "Bytes.", label: "path") {
            (0..<files.total).map { (value: "/\($0)", number: Double($0)) }
        }
        func lines() -> [Substring] {
            var text = ByteBuffer()
            metrics.appendPrometheus(to: &text)
            return text.text.split(separator: "\n")
        }
        let head: [Substring] = ["# HELP lag_bytes Bytes.", "# TYPE lag_bytes gauge"]
        #expect(lines() == head)
        files.add(2)
        #expect(lines() == head + [#"lag_bytes{path="/0"} 0"#, #"lag_bytes{path="/1"} 1"#])
        files.add(2000)
        #expect(lines().count == head.count + Metrics.maxSeriesPerName)
        var json = ByteBuffer()
        metrics.appendJSON(to: &json)
        #expect(json.text == "{}")
    }

    @Test("bounds the series of a name")
    func bounded() {
        let metrics = Metrics()
        for index in 0..<2000 { metrics.counter("files_total", "Files.", [("path", "\(index)")]).add() }
        #expect(metrics.counter("files_total", "Files.", [("path", "1999")]).total == 1000)
    }

    @Test("lets one repeat through in ten seconds and counts the rest")
    func repeats() {
        var limit = RepeatLimit()
        let second: Int64 = 1_000_000_000
        #expect(limit.admit("a", now: 0) == 0)
        #expect(limit.admit("a", now: second) == nil)
        #expect(limit.admit("b", now: second) == 0)
        #expect(limit.admit("a", now: 9 * second) == nil)
        #expect(limit.admit("a", now: 10 * second) == 2)
        for index in 0..<1000 { _ = limit.admit("key \(index)", now: 11 * second) }
    }

    @Test("writes log lines that cannot be forged")
    func logLines() {
        var text = ByteBuffer()
        let time = CalendarTime(nanoseconds: 1_795_342_422_275_999_999)
        LogLine.text(time, .warning, "bad\nline", [("path", "/a b"), ("n", "1")], into: &text)
        #expect(text.text == "2026-11-22T10:13:42.275Z WARN  bad?line  path=\"/a b\"  n=1\n")
        var json = ByteBuffer()
        LogLine.json(time, .error, "ingest", "x\"y", [("a", "b\n")], into: &json)
        #expect(
            json.text == #"{"@timestamp":"2026-11-22T10:13:42.275Z","log.level":"error","message":"x\"y","#
                + #""ecs.version":"8.11.0","service.name":"ingest","labels":{"a":"b\n"}}"# + "\n"
        )
    }
}
