import Common
import Testing

@testable import Shipper

@Suite struct StatusTests {
    private static func stats(uptime: Int, events: Int, bytes: Int, pid: Int = 7) -> [UInt8] {
        let text = #"""
            {"service":{"name":"shipper","version":"1.2.3"},"pid":\#(pid),"uptime_milliseconds":\#(uptime),
            "listening":{},"health":{"status":"unavailable","reasons":["a \"b\"","c"]},
            "metrics":{"shipper_events_stored_total":\#(events),"shipper_line_bytes_stored_total":\#(bytes)},
            "shipping":{"connected":false,"connection_error":"h:1: Connection refused","registry_error":null,
            "windows":{"outstanding":2,"oldest_seconds":9},"lag_bytes":3072,"lag_seconds":75.5,
            "files":{"count":3,"shown":[
            {"path":"/var/log/\u001b.log","size":4096,"read":4096,"stored":1024,"lag_bytes":3072,"lag_seconds":75.5,
            "open":true,"deleted":false},
            {"path":"/b","size":5,"read":5,"stored":5,"lag_bytes":0,"lag_seconds":0,"open":true,"deleted":false}]}}}
            """#
        return Array(text.utf8)
    }

    @Test("prints what a shipper says, with rates of the time between")
    func text() throws {
        let before = try #require(StatusSnapshot(Self.stats(uptime: 59_000, events: 100, bytes: 10_000)))
        let now = try #require(StatusSnapshot(Self.stats(uptime: 61_000, events: 300, bytes: 214_800)))
        #expect(
            StatusText(before: before, now: now).text == """
                shipper 1.2.3, process 7, up 1 min 1 s, unhealthy
                wrong       a "b"
                wrong       c
                output      not connected; last error: h:1: Connection refused
                windows     2 without ack, the oldest for 9 s
                behind      3.0 KiB for 1 min 15 s
                stored      300 lines, 209.7 KiB; now 100 lines/s, 100.0 KiB/s
                files       3

                FILE               SIZE   STORED   BEHIND         FOR
                /var/log/?.log  4.0 KiB  1.0 KiB  3.0 KiB  1 min 15 s
                /b                  5 B      5 B      0 B           -
                and 1 more

                """
        )
    }

    @Test("has no rate over a restart")
    func restarted() throws {
        let before = try #require(StatusSnapshot(Self.stats(uptime: 59_000, events: 100, bytes: 1)))
        let now = try #require(StatusSnapshot(Self.stats(uptime: 100, events: 0, bytes: 0, pid: 8)))
        #expect(StatusText(before: before, now: now).text.contains("now not known\n"))
    }

    @Test(
        "another program's answer is not taken",
        arguments: ["", "{}", "[1]", #"{"service":{"name":"ingest"}}"#]
    )
    func stranger(body: String) {
        #expect(StatusSnapshot(Array(body.utf8)) == nil)
    }

    @Test("a loop that does not answer is still shown")
    func stuck() throws {
        let text =
            #"{"service":{"name":"shipper","version":"1"},"pid":7,"uptime_milliseconds":1,"#
            + #""shipping":null}"#
        #expect(StatusSnapshot(Array(text.utf8)) == nil)
    }

    @Test(
        "numbers are readable",
        arguments: [
            (0, "0 B", "0 s"), (1023, "1023 B", "17 min 3 s"), (1024, "1.0 KiB", "17 min 4 s"),
            (1536, "1.5 KiB", "25 min 36 s"), (59, "59 B", "59 s"), (86_400, "84.3 KiB", "1 d 0 h"),
            (10_485_760, "10.0 MiB", "121 d 8 h"), (7200, "7.0 KiB", "2 h 0 min"),
        ]
    )
    func readable(number: Int, bytes: String, seconds: String) {
        #expect(Readable.bytes(number) == bytes)
        #expect(Readable.seconds(number) == seconds)
    }
}
