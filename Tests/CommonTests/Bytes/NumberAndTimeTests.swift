import Common
import Testing

@Suite("Decimal")
struct DecimalTests {
    @Test(
        "reads integers",
        arguments: [
            ("0", 0), ("42", 42), ("-7", -7), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("99999999999999999999", nil),
            ("", nil), ("-", nil), ("1.0", nil), ("+1", nil), (" 1", nil),
        ] as [(String, Int64?)]
    )
    func readsIntegers(_ text: String, expected: Int64?) {
        let bytes = Array(text.utf8)
        #expect(Decimal.integer(bytes.span.bytes, 0..<bytes.count) == expected)
    }

    @Test(
        "scales fractions exactly",
        arguments: [
            ("0.121", 9, 121_000_000), ("1795342422.275", 9, 1_795_342_422_275_000_000), ("5", 3, 5000),
            ("0.0015", 3, 1), ("-0.5", 1, -5), (".5", 1, 5), ("5.", 1, 50), ("1.2.3", 3, nil), (".", 3, nil),
            ("", 3, nil), ("abc", 3, nil), ("9999999999", 18, nil),
        ] as [(String, Int, Int64?)]
    )
    func scales(_ text: String, scale: Int, expected: Int64?) {
        let bytes = Array(text.utf8)
        #expect(Decimal.scaled(bytes.span.bytes, 0..<bytes.count, scale: scale) == expected)
    }

    @Test(
        "writes what it reads",
        arguments: [
            0, 1, 9, 10, 99, 100, 12345, 999_999_999_999_999_999, 1_000_000_000_000_000_000, .max, .min, -1,
            -10,
        ] as [Int64]
    )
    func writes(_ value: Int64) {
        var buffer = ByteBuffer()
        buffer.append(decimal: value)
        #expect(buffer.text == String(value))
    }
}

@Suite("Calendar time")
struct CalendarTimeTests {
    @Test(
        "writes RFC 3339 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_342_422_275_000_000, "2026-11-22T10:13:42.275Z"),
            (1_795_342_422_275_001_000, "2026-11-22T10:13:42.275001Z"),
            (1_795_342_422_275_001_002, "2026-11-22T10:13:42.275001002Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func writes(_ nanoseconds: Int64, expected: String) {
        let time = CalendarTime(nanoseconds: nanoseconds)
        #expect(time.iso8601 == expected)
        let bytes = Array(expected.utf8)
        #expect(CalendarTime.parse(iso8601: bytes.span.bytes, 0..<bytes.count) == time)
    }

    @Test(
        "reads zones and refuses what does not exist",
        arguments: [
            ("2026-11-22T10:13:42+01:00", "2026-11-22T09:13:42.000Z"),
            ("2026-11-22 10:13:42,5-0330", "2026-11-22T13:43:42.500Z"),
            ("2026-02-29T00:00:00Z", nil), ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
            ("2100-02-29T00:00:00Z", nil), ("2026-04-31T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-11-22T24:00:00Z", nil), ("2026-11-22T10:13:42", nil), ("2026-11-22T10:13:42Zx", nil),
            ("2026-11-22T10:13:42.Z", nil), ("", nil), ("-", nil),
        ] as [(String, String?)]
    )
    func reads(_ text: String, expected: String?) {
        let bytes = Array(text.utf8)
        #expect(CalendarTime.parse(iso8601: bytes.span.bytes, 0..<bytes.count)?.iso8601 == expected)
    }

    @Test("days and dates agree over eight hundred years")
    func daysAndDates() {
        var previous = CalendarTime.date(days: -146_098)
        for day in -146_097..<146_097 {
            let date = CalendarTime.date(days: day)
            #expect(CalendarTime.isDate(year: date.year, month: date.month, day: date.day))
            if CalendarTime.days(year: date.year, month: date.month, day: date.day) != day || date <= previous
            {
                Issue.record("day \(day) gives \(date)")
                return
            }
            previous = date
        }
    }
}

@Suite("SipHash")
struct SipHashTests {
    /// The authors' published test vector: key 00…0f, message 00…0e, 128-bit output.
    @Test("answers the published vectors")
    func vectors() {
        let hash = SipHash(key: 0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        let message = (0..<15).map { UInt8($0) }
        let expected: [UInt8] = [
            0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9,
        ]
        let value = hash.hash(message.span.bytes, 0..<15)
        let words = [value.low, value.high].flatMap { word in (0..<8).map { UInt8(word >> ($0 * 8) & 0xFF) } }
        #expect(words == expected)
    }

    @Test("differs by tweak, key and length")
    func differs() {
        let bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0]
        let hash = SipHash(key: 1, 2)
        let values = [
            hash.hash(bytes.span.bytes, 0..<8), hash.hash(bytes.span.bytes, 0..<9),
            hash.hash(bytes.span.bytes, 0..<8, tweak: 1), SipHash(key: 1, 3).hash(bytes.span.bytes, 0..<8),
        ]
        #expect(Set(values).count == 4)
    }
}
