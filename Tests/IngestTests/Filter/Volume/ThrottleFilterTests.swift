import Testing

@testable import Ingest

@Suite("Filter throttle")
struct ThrottleFilterTests {
    private func event(_ key: String, _ time: String) -> String {
        #"{"k":"\#(key)","@timestamp":"2026-11-22T10:\#(time)Z"}"#
    }

    @Test("lets so many of a key through in a period of the events' time")
    func periods() throws {
        let harness = try FilterHarness("- throttle: {key: \"%{k}\", max_events: 2, period: 1m}")
        func passes(_ key: String, _ time: String) throws -> Bool {
            try !harness.run(event(key, time)).isEmpty
        }
        #expect(try passes("a", "00:00.000") && passes("a", "00:59.999") && !passes("a", "00:30.000"))
        #expect(try passes("b", "00:30.000"))
        #expect(try passes("a", "01:00.000"))
        // A line that is late belongs to its own minute.
        #expect(try !passes("a", "00:10.000") && passes("a", "01:10.000") && !passes("a", "01:20.000"))
    }

    @Test("tags what is too much")
    func tags() throws {
        let harness = try FilterHarness("- throttle: {key: all, max_events: 1, period: 1h, tag: _throttled}")
        #expect(try !harness.run(event("a", "00:00.000"))[0].contains("_throttled"))
        #expect(try harness.run(event("a", "00:00.000"))[0].contains(#""tags":["_throttled"]"#))
    }

    @Test("remembers a bounded number of keys, and those in use the longest")
    func keys() {
        let counts = ThrottleCounts(maxKeys: 100)
        func count(_ number: Int) -> Int {
            let key = Array("key \(number)".utf8)
            return counts.count(key.span.bytes, slot: 1)
        }
        for number in 1..<1000 {
            #expect(count(0) == number)
            #expect(count(number) == 1)
        }
    }

    @Test(
        "complains",
        arguments: [
            ("- throttle: {max_events: 1}", "key: is missing"),
            ("- throttle: {key: x}", "max_events: is missing"),
            ("- throttle: {key: x, max_events: 1, period: 0s}", "out of range"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        #expect(FilterHarness.complaints(filters).contains(expected))
    }
}
