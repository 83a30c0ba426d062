import Common
import Testing

@testable import Ingest

@Suite("Times of nginx")
struct LogTimeTests {
    @Test(
        "are read, and nothing else is",
        arguments: [
            ("22/Nov/2026:10:13:40 +0000", "2026-11-22T10:13:40.000Z"),
            ("01/Jan/2027:00:30:00 +0100", "2026-12-31T23:30:00.000Z"),
            ("31/dec/1999:23:59:60 -0530", "2000-01-01T05:30:00.000Z"),
            ("29/Feb/2024:00:00:00 +0000", "2024-02-29T00:00:00.000Z"),
            ("29/Feb/2023:00:00:00 +0000", nil), ("22/Foo/2026:10:13:40 +0000", nil),
            ("22/Nov/2026:24:13:40 +0000", nil),
            ("22/Nov/2026:10:13:40", nil), ("22/Nov/9999:10:13:40 +0000", nil),
            ("22/Nov/0000:10:13:40 +0000", nil),
            ("", nil), ("/////", nil),
        ] as [(String, String?)]
    )
    func local(_ text: String, expected: String?) {
        let bytes = Array(text.utf8)
        #expect(LogTime.local(bytes.span.bytes, 0..<bytes.count)?.iso8601 == expected)
    }

    @Test(
        "seconds with a fraction",
        arguments: [
            ("1795342422.275", "2026-11-22T10:13:42.275Z"), ("0", "1970-01-01T00:00:00.000Z"), ("-1", nil),
            ("", nil),
            ("9223372036.854775807", "2262-04-11T23:47:16.854775807Z"), ("9223372037", nil),
            ("-9223372036.854775808", nil),
            ("1.2.3", nil), ("x", nil),
        ] as [(String, String?)]
    )
    func seconds(_ text: String, expected: String?) {
        let bytes = Array(text.utf8)
        #expect(LogTime.seconds(bytes.span.bytes, 0..<bytes.count)?.iso8601 == expected)
    }
}
