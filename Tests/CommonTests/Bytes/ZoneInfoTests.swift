import Testing

@testable import Common

@Suite("Rules of time zones")
struct ZoneInfoTests {
    /// Offsets were worked out with Python's zoneinfo.
    @Test(
        "say how far clocks are ahead of UTC",
        arguments: [
            ("Europe/Berlin", "2026-03-29T01:59:59Z", 3600), ("Europe/Berlin", "2026-03-29T03:00:00Z", 7200),
            ("Europe/Berlin", "2026-07-01T12:00:00Z", 7200),
            // An hour that clocks show twice: the first time.
            ("Europe/Berlin", "2026-10-25T02:30:00Z", 7200), ("Europe/Berlin", "2026-10-25T03:30:00Z", 3600),
            // Behind the last transition of the file, by its rule.
            ("Europe/Berlin", "2060-07-01T12:00:00Z", 7200), ("Europe/Berlin", "2060-01-01T12:00:00Z", 3600),
            ("Asia/Shanghai", "2026-11-22T10:00:00Z", 28800),
            ("America/New_York", "2026-11-01T01:30:00Z", -14400),
            ("America/New_York", "1999-07-01T00:00:00Z", -14400),
            ("Australia/Lord_Howe", "2026-01-15T00:00:00Z", 39600),
            ("Australia/Lord_Howe", "2060-01-15T00:00:00Z", 39600),
            ("Asia/Kolkata", "2026-01-01T00:00:00Z", 19800),
            ("Africa/Casablanca", "2026-11-22T10:00:00Z", 3600),
            ("America/Sao_Paulo", "2050-01-01T00:00:00Z", -10800),
            // Its summer time is the standard one.
            ("Europe/Dublin", "2026-01-01T00:00:00Z", 0), ("Europe/Dublin", "2055-01-01T00:00:00Z", 0),
            ("Pacific/Apia", "2011-12-29T10:00:00Z", -36000),
        ] as [(String, String, Int)]
    )
    func offsets(_ name: String, clock: String, expected: Int) throws {
        let rules = try #require(ZoneInfo(named: name))
        let text = Array(clock.utf8)
        let parsed = CalendarTime.parse(iso8601: text.span.bytes, 0..<text.count)
        let time = try #require(parsed)
        #expect(rules.offset(atLocal: time.seconds) == expected)
    }

    @Test(
        "are not there for other names",
        arguments: [
            "", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "Europe", "zone.tab", "Europe/Berlin\0",
            "Europe/ Berlin",
        ]
    )
    func unknown(_ name: String) { #expect(ZoneInfo(named: name) == nil) }

    @Test("broken bytes are refused, wherever they end")
    func broken() throws {
        func rules(_ bytes: [UInt8]) -> ZoneInfo? { ZoneInfo(tzif: bytes.span.bytes) }
        #expect(rules([UInt8](repeating: 0, count: 100)) == nil)
        var file: [UInt8] = Array("TZif2".utf8) + Array(repeating: 0, count: 15)
        // One type of local time, no transitions, in both blocks.
        let counts: [UInt8] = Array(repeating: 0, count: 16) + [0, 0, 0, 1, 0, 0, 0, 4]
        let block: [UInt8] = [0, 0, 0x0E, 0x10, 0, 0] + Array("CET\0".utf8)
        file += counts + block
        file += Array("TZif2".utf8) + Array(repeating: 0, count: 15) + counts + block
        file += Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
        let whole = try #require(rules(file))
        #expect(whole.offset(at: 1_782_900_000) == 7200)
        for length in 0..<file.count - 28 {
            #expect(rules(Array(file[..<length])) == nil, "\(length) bytes")
        }
        // A count that no file has.
        file[44 - 24 + 12] = 0xFF
        #expect(rules(file) == nil)
    }

    @Test(
        "POSIX rules of other forms are refused",
        arguments: [
            ("UTC0", 0), ("<+0330>-3:30", 12600), ("EST5EDT,M3.2.0,M11.1.0", -18000), ("CET-1CEST", nil),
            ("CET-1CEST,J60,J300", nil), ("", nil), ("CE-1", nil), ("<+03", nil),
            ("EST5EDT,M13.2.0,M11.1.0", nil),
            ("EST5EDT,M3.2.0", nil),
        ] as [(String, Int?)]
    )
    func rules(_ text: String, january: Int?) {
        // 2026-01-15.
        #expect(POSIXZone(text)?.offset(at: 1_768_435_200) == january)
    }
}
