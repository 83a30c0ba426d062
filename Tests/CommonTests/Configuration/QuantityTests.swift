import Common
import Testing

@Suite("Quantity")
struct QuantityTests {
    @Test(
        "durations",
        arguments: [
            ("500ms", .milliseconds(500)), ("10s", .seconds(10)), ("5m", .seconds(300)),
            ("1h", .seconds(3600)),
            ("30d", .seconds(2_592_000)), ("7", .seconds(7)), ("0", .zero), ("1.5s", .milliseconds(1500)),
            ("1h30m", .seconds(5400)),
            ("0.1", .milliseconds(100)), ("10us", .microseconds(10)), ("36500d", .seconds(36500 * 86400)),
            ("", nil), ("s", nil), ("5 s", nil), ("-5s", nil),
            ("5x", nil), ("1h5", nil), ("1..5s", nil), (".s", nil), ("36501d", nil),
            ("999999999999999999d", nil), ("9999999999999999999999", nil), ("5sm", nil), ("0x5s", nil),
        ] as [(String, Duration?)]
    )
    func durations(text: String, expected: Duration?) {
        #expect(Quantity.duration(text) == expected)
    }

    @Test(
        "sizes",
        arguments: [
            ("1048576", 1_048_576), ("64KiB", 65536), ("10MiB", 10 << 20), ("10 mib", 10 << 20),
            ("1GiB", 1 << 30),
            ("1TiB", 1 << 40), ("64kb", 64000), ("1MB", 1_000_000), ("1gb", 1_000_000_000), ("1.5KiB", 1536),
            ("0", 0), ("5b", 5),
            ("", nil), ("KiB", nil), ("-1", nil), ("5kbs", nil), ("5k", nil), ("99999999TiB", nil),
            ("1.1.1", nil), ("5MiB6", nil),
        ] as [(String, Int?)]
    )
    func sizes(text: String, expected: Int?) {
        #expect(Quantity.size(text) == expected)
    }

    @Test(
        "the nearest word",
        arguments: [
            ("hsots", "hosts"), ("host", "hosts"), ("Hosts", "hosts"), ("timeot", "timeout"), ("zzz", nil),
            ("", nil),
            ("tls.", "tls"), (String(repeating: "h", count: 1000), nil),
        ] as [(String, String?)]
    )
    func nearest(word: String, expected: String?) {
        #expect(Nearest.match(for: word, among: ["hosts", "timeout", "tls"]) == expected)
    }
}
