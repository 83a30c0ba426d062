import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Time zone rules")
struct TimeZoneRulesTests {
    @Test(
        "agree with another reader of the database, also behind its table",
        arguments: [
            "Europe/Paris", "America/New_York", "Asia/Shanghai", "Asia/Kolkata", "America/Sao_Paulo",
            "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Tehran", "Africa/Cairo",
        ]
    )
    func agree(_ name: String) throws {
        let rules = try TimeZoneRules.named(name)
        let other = try #require(TimeZone(identifier: name))
        // Every 37 hours from 1972 to 2080.
        var differences: [Int64] = []
        for moment in stride(from: Int64(63_072_000), to: 3_471_292_800, by: 37 * 3600)
        where rules.offset(at: moment)
            != other.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))
        {
            differences.append(moment)
        }
        #expect(differences.isEmpty)
    }

    @Test(
        "find the moment of a local time",
        arguments: [
            ("Europe/Paris", "2023-10-10T13:55:36.000Z", "2023-10-10T11:55:36.000Z"),
            // Clocks were set forward from 02:00 to 03:00.
            ("Europe/Paris", "2024-03-31T01:59:59.999Z", "2024-03-31T00:59:59.999Z"),
            ("Europe/Paris", "2024-03-31T02:30:00.000Z", nil),
            ("Europe/Paris", "2024-03-31T03:00:00.000Z", "2024-03-31T01:00:00.000Z"),
            // Clocks were set back from 03:00 to 02:00: the first of two.
            ("Europe/Paris", "2023-10-29T02:30:00.000Z", "2023-10-29T00:30:00.000Z"),
            ("Europe/Paris", "2023-10-29T03:00:00.000Z", "2023-10-29T02:00:00.000Z"),
            ("America/New_York", "2026-11-22T10:14:47.092Z", "2026-11-22T15:14:47.092Z"),
            ("America/New_York", "2024-11-03T01:30:00.000Z", "2024-11-03T05:30:00.000Z"),
            // Half an hour of daylight saving.
            ("Australia/Lord_Howe", "2024-10-06T02:15:00.000Z", nil),
            ("Australia/Lord_Howe", "2024-04-07T01:45:00.000Z", "2024-04-06T14:45:00.000Z"),
            // Samoa left out 30 December 2011.
            ("Pacific/Apia", "2011-12-30T12:00:00.000Z", nil),
            ("Pacific/Apia", "2011-12-31T00:00:00.000Z", "2011-12-30T10:00:00.000Z"),
            // Behind the table, by the rule alone.
            ("Europe/Paris", "2060-07-01T12:00:00.000Z", "2060-07-01T10:00:00.000Z"),
            ("+05:30", "2024-02-29T23:59:59.000Z", "2024-02-29T18:29:59.000Z"),
            ("-0730", "2024-02-29T00:00:00.000Z", "2024-02-29T07:30:00.000Z"),
            ("UTC", "2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00.000Z"),
        ] as [(String, String, String?)]
    )
    func findsMoment(_ zone: String, local: String, expected: String?) throws {
        let time = try #require(Self.time(local))
        #expect(try TimeZoneRules.named(zone).moment(of: time)?.iso8601 == expected)
    }

    @Test(
        "refuse what is no zone",
        arguments: [
            "", "Nowhere/Town", "../../../etc/passwd", "/etc/localtime", "Europe/../../passwd", "+25:00",
            "+1", "Europe", "zone.tab", "a\u{0}b", String(repeating: "A", count: 100), "Europe/Pa ris",
        ]
    )
    func refuse(_ name: String) {
        #expect(throws: TimeZoneError.self) { try TimeZoneRules.named(name) }
        let bytes = Array(name.utf8)
        #expect(TimeZoneCache().zone(bytes.span.bytes, 0..<bytes.count) == nil)
    }

    @Test("refuse a file that is cut anywhere")
    func refuseCutFile() throws {
        let file = try AtomicFile.read("/usr/share/zoneinfo/Europe/Paris", limit: 1 << 20)
        #expect(TimeZoneFile.rules(file, name: "x") != nil)
        for length in 0..<file.count {
            #expect(TimeZoneFile.rules(Array(file[..<length]), name: "x") == nil)
        }
    }

    @Test("survive a file with any byte changed")
    func surviveChangedFile() throws {
        let file = try AtomicFile.read("/usr/share/zoneinfo/Pacific/Apia", limit: 1 << 20)
        var usable = 0
        for index in file.indices {
            var changed = file
            changed[index] ^= 0xFF
            guard let rules = TimeZoneFile.rules(changed, name: "x") else { continue }
            usable += 1
            #expect(abs(rules.offset(at: 4_000_000_000)) < 170 * 3600)
        }
        #expect(usable > 0)
    }

    @Test(
        "read the rule of a zone",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-07-01T00:00:00.000Z", 7200),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59.000Z", 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00.000Z", 7200),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00.000Z", 3600),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01T00:00:00.000Z", 39600),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-07-01T00:00:00.000Z", 36000),
            ("<+0330>-3:30", "2024-07-01T00:00:00.000Z", 12600),
            ("EST5EDT,J60/0,J305/0", "2024-03-01T05:00:00.000Z", -14400),
            ("EST5EDT,J60/0,J305/0", "2024-03-01T04:59:59.000Z", -18000),
            ("EST5EDT,0/0,365/167", "2023-06-01T00:00:00.000Z", -14400),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59.000Z", -7200),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00.000Z", -3600),
        ]
    )
    func readRule(_ text: String, moment: String, expected: Int) throws {
        let rule = try #require(TimeZoneRule(Array(text.utf8)))
        let time = try #require(Self.time(moment))
        #expect(rule.offset(at: time.seconds) == expected)
    }

    @Test(
        "refuse a rule",
        arguments: [
            "C-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.6.0,M1.1.0",
            "<+03", "CET-200", "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,J366,J1", "99999999999999999999",
        ]
    )
    func refuseRule(_ text: String) {
        #expect(TimeZoneRule(Array(text.utf8)) == nil)
    }

    private static func time(_ text: String) -> CalendarTime? {
        let bytes = Array(text.utf8)
        return CalendarTime.parse(iso8601: bytes.span.bytes, 0..<bytes.count)
    }
}
