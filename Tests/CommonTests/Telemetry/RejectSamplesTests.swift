import Common
import Testing

@Suite("Reject samples")
struct RejectSamplesTests {
    private func record(_ samples: RejectSamples, _ reason: String, _ line: [UInt8], at now: Int64 = 0) {
        line.withUnsafeBytes { samples.record(reason, message: "bad", line: $0.bytes, now: now) }
    }

    private func json(_ samples: RejectSamples, now: Int64 = 0) -> String {
        String(decoding: samples.json(now: now), as: UTF8.self)
    }

    @Test("keeps the last line of each reason")
    func last() {
        let samples = RejectSamples()
        #expect(json(samples) == "[]")
        record(samples, "size", Array("first".utf8))
        record(samples, "decode", [], at: 1_000_000_000)
        record(samples, "size", Array("<\"\u{1}".utf8) + [0xFF], at: 2_000_000_000)
        #expect(
            json(samples, now: 3_500_000_000)
                == #"[{"reason":"size","message":"bad","line":"<\"\u0001"# + "\u{FFFD}"
                + #"","count":2,"age_milliseconds":1500},"#
                + #"{"reason":"decode","message":"bad","line":"","count":1,"age_milliseconds":2500}]"#
        )
    }

    @Test("is bounded whatever comes")
    func bounds() {
        let samples = RejectSamples()
        let long = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)
        for number in 0..<1000 { record(samples, "reason \(number)", long) }
        #expect(json(samples).utf8.count < 64 * 600)
    }
}

@Suite("Counters by name")
struct CountersByNameTests {
    private func add(_ counters: inout CountersByName, _ amount: Int, _ name: String) {
        Array(name.utf8).withUnsafeBytes { counters.add(amount, $0.bytes, 0..<$0.count) }
    }

    @Test("shares its counters with other threads', and counts further names together")
    func counts() {
        let metrics = Metrics()
        var first = CountersByName(metrics, "events_total", "Events.", label: "service")
        var second = CountersByName(metrics, "events_total", "Events.", label: "service")
        add(&first, 1, "shop")
        add(&first, 2, "shop")
        add(&second, 4, "shop")
        add(&second, 8, "")
        #expect(metrics.counter("events_total", "", [("service", "shop")]).total == 7)
        #expect(metrics.counter("events_total", "", [("service", "")]).total == 8)
        for number in 0..<1100 { add(&first, 1, "service-\(number)") }
        add(&first, 1, "shop")
        #expect(metrics.counter("events_total", "", [("service", "shop")]).total == 8)
        #expect(metrics.counter("events_total", "", [("service", "other")]).total > 90)
        var json = ByteBuffer()
        metrics.appendJSON(to: &json)
        #expect(json.text.split(separator: "{").count < 1100)
    }
}
