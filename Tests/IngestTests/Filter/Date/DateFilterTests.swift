import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Date")
struct DateFilterTests {
    /// Cases from outside: `Tests/Fixtures/logs/date-cases.json`.
    struct Vector: Decodable, CustomTestStringConvertible {
        let format: String
        let text: String
        let timezone: String?
        let result: String?

        var testDescription: String { "\(text) as \(format) in \(timezone ?? "no zone")" }

        private struct File: Decodable { let cases: [Vector] }

        static func all() throws -> [Vector] {
            let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs/date-cases.json")))
            return try JSONDecoder().decode(File.self, from: data).cases
        }
    }

    @Test("vectors are there") func areThere() throws { #expect(try Vector.all().count == 13) }

    @Test("reads the vectors", arguments: try Vector.all())
    func readsVector(_ row: Vector) throws {
        var options: [String: Any] = ["field": "t", "formats": [row.format]]
        options["timezone"] = row.timezone
        let trial = try FilterTrial("date: \(FilterTrial.Result.json(options))")
        let result = try trial.apply(json: FilterTrial.Result.json(["t": row.text]))
        guard let expected = row.result else {
            #expect(result.failure?.tag == .date)
            #expect(result["@timestamp"] == nil)
            return
        }
        // The vectors are of Joda, which cuts to milliseconds; we keep what the text says.
        let time = try #require(result["@timestamp"]).dropFirst().prefix(23)
        #expect(time == expected.prefix(23))
    }

    /// What `date` makes of a text read at a time; the reason of its failure else.
    private func read(
        _ formats: String,
        _ text: String,
        zone: String? = "UTC",
        at time: String = "2026-11-22T12:00:00Z"
    )
        throws -> String
    {
        let timezone = zone.map { ", timezone: '\($0)'" } ?? ""
        let trial = try FilterTrial("date: {field: t, formats: [\(formats)], target: out\(timezone)}")
        let event: [String: Any] = [
            "t": text, "@timestamp": time, "event": ["timezone": "+02:00"], "host": ["zone": "Asia/Tokyo"],
            "bad": "Nowhere/Town",
        ]
        let result = try trial.apply(json: FilterTrial.Result.json(event))
        return result["out"].map { String($0.dropFirst().dropLast()) } ?? result.failure?.reason ?? "nothing"
    }

    @Test(
        "reads what people write",
        arguments: [
            ("'dd/MMM/YYYY:HH:mm:ss Z'", "22/Nov/2026:10:13:40 +0100", "2026-11-22T09:13:40.000Z"),
            (
                "'EEE MMM dd HH:mm:ss.SSSSSS yyyy'", "Mon Aug 31 09:30:48.958285 2015",
                "2015-08-31T09:30:48.958285Z"
            ),
            (
                "'yyyy-MM-dd HH:mm:ss.SSSSSSSSS'", "2026-11-22 10:14:47.123456789",
                "2026-11-22T10:14:47.123456789Z"
            ),
            ("'yyyyMMddHHmmss'", "20261122101447", "2026-11-22T10:14:47.000Z"),
            ("'yyMMdd HHmmss'", "261122 101447", "2026-11-22T10:14:47.000Z"),
            ("'d.M.yy H:m'", "2.1.99 3:04", "1999-01-02T03:04:00.000Z"),
            ("'dd.MM.yy'", "01.01.46", "1946-01-01T00:00:00.000Z"),
            ("'dd.MM.yy'", "01.01.45", "2045-01-01T00:00:00.000Z"),
            ("'dd.MM.yy'", "01.01.2013", "2013-01-01T00:00:00.000Z"),
            ("'MMM d, yyyy h:mm:ss a'", "Nov 22, 2026 12:14:47 AM", "2026-11-22T00:14:47.000Z"),
            ("'MMMM d yyyy hh:mm a'", "NOVEMBER 22 2026 01:14 pm", "2026-11-22T13:14:00.000Z"),
            ("'EEEE, dd-MMM-yy HH:mm:ss z'", "Sunday, 22-Nov-26 10:14:47 GMT", "2026-11-22T10:14:47.000Z"),
            ("'EEE, d MMM yyyy HH:mm:ss Z'", "Sun, 22 Nov 2026 10:14:47 -05:00", "2026-11-22T15:14:47.000Z"),
            ("'HH:mm:ss dd MMM yyyy z'", "10:14:47 22 Sept 2026 PDT", "2026-09-22T17:14:47.000Z"),
            ("'yyyy-DDD'", "2024-366", "2024-12-31T00:00:00.000Z"),
            (#""yyyy-'W'ww-e""#, "2026-W01-4", "2026-01-01T00:00:00.000Z"),
            (#""yyyy-MM-dd'T'HH:mm:ssXXX""#, "2026-11-22T10:14:47Z", "2026-11-22T10:14:47.000Z"),
            (#""yyyy.MM.dd G 'o''clock' kk""#, "2026.11.22 AD o'clock 24", "2026-11-22T00:00:00.000Z"),
            ("'yyyy-MM-dd HH:mm ZZZ'", "2026-07-22 10:14 Europe/Paris", "2026-07-22T08:14:00.000Z"),
            ("ISO8601", "2026-11-22", "2026-11-22T00:00:00.000Z"),
            ("ISO8601", "2026-11-22 10:14", "2026-11-22T10:14:00.000Z"),
            ("ISO8601", "2026-11-22T10:14:47,092+01", "2026-11-22T09:14:47.092Z"),
            ("ISO8601", "20261122T101447.5Z", "2026-11-22T10:14:47.500Z"),
            ("ISO8601", "2026-11-22T10:14:47.123456789 +0100", "2026-11-22T09:14:47.123456789Z"),
            ("UNIX", "1795342422", "2026-11-22T10:13:42.000Z"), ("UNIX", "-1.5", "1969-12-31T23:59:58.500Z"),
            ("UNIX", "1795342422.275123", "2026-11-22T10:13:42.275123Z"),
            ("UNIX_MS", "1795342422275", "2026-11-22T10:13:42.275Z"),
            // From the documentation of TAI64N's users.
            ("TAI64N", "@4000000050d506482dbdf024", "2012-12-22T01:00:46.767422500Z"),
            ("ISO8601, UNIX, 'dd.MM.yyyy'", "22.11.2026", "2026-11-22T00:00:00.000Z"),
        ]
    )
    func reads(_ formats: String, text: String, expected: String) throws {
        #expect(try read(formats, text) == expected)
    }

    @Test(
        "gives a year to dates without one",
        arguments: [
            ("Nov 22 10:14:47", "2026-11-22T12:00:00Z", "2026-11-22T10:14:47.000Z"),
            ("Nov  2 10:14:47", "2026-11-22T12:00:00Z", "2026-11-02T10:14:47.000Z"),
            ("Dec 31 23:59:59", "2027-01-01T00:00:05Z", "2026-12-31T23:59:59.000Z"),
            ("Jan  1 00:00:01", "2026-12-31T23:59:58Z", "2027-01-01T00:00:01.000Z"),
            ("Feb 29 00:00:00", "2026-03-01T00:00:00Z", "t \"Feb 29 00:00:00\" is no date that exists"),
            ("Feb 29 00:00:00", "2024-03-01T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ]
    )
    func givesYear(_ text: String, now: String, expected: String) throws {
        #expect(try read("'MMM dd HH:mm:ss'", text, at: now) == expected)
    }

    @Test("gives today to a time without date")
    func givesToday() throws {
        #expect(try read("'HH:mm:ss'", "10:14:47") == "2026-11-22T10:14:47.000Z")
        // It is the 23rd in Tokyo already.
        let late = "2026-11-22T16:00:00Z"
        #expect(try read("'HH:mm'", "00:30", zone: "Asia/Tokyo", at: late) == "2026-11-22T15:30:00.000Z")
    }

    @Test(
        "takes the zone from where it is told",
        arguments: [
            ("Europe/Paris", "2026-11-22T09:14:00.000Z"), ("+05:30", "2026-11-22T04:44:00.000Z"),
            ("%{host.zone}", "2026-11-22T01:14:00.000Z"), (nil, "2026-11-22T08:14:00.000Z"),
            ("%{bad}", "\"Nowhere/Town\" is no time zone"), ("%{none}", "\"%{none}\" is no time zone"),
        ] as [(String?, String)]
    )
    func takesZone(_ zone: String?, expected: String) throws {
        #expect(try read("ISO8601", "2026-11-22T10:14", zone: zone) == expected)
        // A text that names its zone needs no other.
        #expect(try read("ISO8601", "2026-11-22T10:14Z", zone: zone) == "2026-11-22T10:14:00.000Z")
    }

    @Test(
        "refuses what is no date",
        arguments: [
            ("ISO8601", "2026-13-01"), ("ISO8601", "2026-11-22T25:00"),
            ("ISO8601", "2026-11-22T10:14:47+25:00"),
            ("ISO8601", "2026-11-22T10:14:47Zx"), ("ISO8601", "2026-1-2"), ("ISO8601", ""),
            ("ISO8601", "9999-01-01"),
            ("UNIX", "1e9"), ("UNIX", "99999999999999999999"), ("UNIX", "9223372036"), ("UNIX", "12x"),
            ("UNIX_MS", "-"),
            ("TAI64N", "@4000000050d506482dbdf0"), ("TAI64N", "@ffffffffffffffffffffffff"), ("TAI64N", "@"),
            ("'yyyy'", "1"), ("'yyyy'", "99999999999999999999"), ("'dd/MMM/yyyy'", "22/Nov/2026 "),
            ("'HH:mm'", "24:00"),
            ("'dd/MMM/yyyy'", "22/Xyz/2026"), ("'SSS'", "1234"), ("'h a'", "13 PM"),
            ("'yyyy-DDD'", "2023-366"),
            ("'yyyy Z'", "2026 +1"), ("'yyyy ZZZ'", "2026 ../../etc/passwd"), ("'a'", "XM"),
            ("'MMM d'", "No 1"),
        ]
    )
    func refuses(_ format: String, text: String) throws {
        let trial = try FilterTrial(
            "date: {field: t, formats: [\(format == "'a'" ? "'H a'" : format)], timezone: UTC}"
        )
        for text in [text, text + String(repeating: "0", count: 10_000)] {
            let result = try trial.apply(json: FilterTrial.Result.json(["t": text]))
            #expect(result.failure?.tag == .date)
            #expect(result.fields.count == 1)
            #expect((result.failure?.reason?.count ?? 1000) < 200)
        }
    }

    @Test(
        "nothing is no date",
        arguments: ["ISO8601", "UNIX", "UNIX_MS", "TAI64N", "yyyy", "HH:mm", "'x'yyyy"]
    )
    func nothing(_ format: String) throws {
        let format = try DateFormat(format)
        let bytes: [UInt8] = []
        #expect(format.moment(bytes.span.bytes, 0..<0) == nil)
        #expect(format.parts(bytes.span.bytes, 0..<0, year: 2026, TimeZoneCache()) == nil)
    }

    @Test("says what is wrong with a time that clocks skipped")
    func saysSkipped() throws {
        let reason = try read("ISO8601", "2024-03-31T02:30", zone: "Europe/Paris")
        #expect(reason == "t \"2024-03-31T02:30\" never was in Europe/Paris: clocks were set forward over it")
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("formats: [ISO8601]", "field: is missing"), ("field: t", "formats: is missing"),
            ("field: t, formats: ['yyyy-BB']", "\"B\" is no letter of a date"),
            ("field: t, formats: [\"yyyy'T\"]", "quote ' is not closed"),
            ("field: t, formats: ['- -']", "names no part"),
            ("field: t, formats: [ISO8601], timezone: Europe/Pari", "install tzdata, or correct the name"),
            ("field: t, formats: [ISO8601], timezone: '%{'", "is not closed"),
            ("field: t, formats: [ISO8601], locale: de", "always English"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("date: {\(options)}").contains(expected))
    }
}
