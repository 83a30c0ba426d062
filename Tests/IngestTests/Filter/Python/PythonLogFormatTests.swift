import Common
import Testing

@testable import Ingest

@Suite("Formats of Python's logging")
struct PythonLogFormatTests {
    @Test(
        "cut lines",
        arguments: [
            (
                "%(asctime)s [%(levelname)s] %(name)s: %(message)s",
                "2026-11-22 10:14:47,515 [INFO] django.server: a: b\nc",
                ["2026-11-22 10:14:47,515", "INFO", "django.server", "a: b\nc"]
            ),
            (
                "{levelname} {asctime} {module} {process:d} {thread:d} {message}",
                "ERROR 2026-11-22 10:14:47,515 views 17 140003606629248 it failed",
                ["ERROR", "2026-11-22 10:14:47,515", "views", "17", "140003606629248", "it failed"]
            ),
            (
                "%(asctime)s %(levelname)-8s %(message)s", "2026-11-22 10:14:47 INFO     x",
                ["2026-11-22 10:14:47", "INFO", "x"]
            ),
            (
                "%(asctime)s %(levelname)-8s %(message)s", "2026-11-22T10:14:47.5Z CRITICAL x",
                ["2026-11-22T10:14:47.5Z", "CRITICAL", "x"]
            ),
            ("%(levelname)8s|%(message)s", "    INFO|", ["INFO", ""]),
            ("100%% %(message)s", "100% x", ["x"]),
            (
                "[%(asctime)s] <%(threadName)s> %(message)s",
                "[2026-11-22 10:14:43 +0000] <Thread-1 (run)> x",
                ["2026-11-22 10:14:43 +0000", "Thread-1 (run)", "x"]
            ),
            (
                "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
                "[2026-11-22 10:14:47,121: INFO/ForkPoolWorker-1] Task done",
                ["2026-11-22 10:14:47,121", "INFO", "ForkPoolWorker-1", "Task done"]
            ),
            ("%(message)s (%(name)s)", "it (is) here (shop)", nil),
            ("%(message)s [%(name)s]", "it is here [shop]", ["it is here", "shop"]),
            ("%(levelname)s %(message)s", "Info x", nil), ("%(levelname)s %(message)s", "INFO", nil),
            ("%(asctime)s %(message)s", "2026-11-22 x", nil),
            ("%(asctime)s %(message)s", "2026-13-22 10:14:47 x", nil),
            ("%(name)s: %(message)s", "two words: x", nil), ("%(process)d %(message)s", "- x", nil),
            ("%(funcName)s %(message)s", "first\nsecond x", nil), ("%(message)s", "", [""]),
        ] as [(String, String, [String]?)]
    )
    func cut(_ format: String, line: String, expected: [String]?) throws {
        var scanner = PythonLogScanner(format: try PythonLogFormat(format))
        let bytes = Array(line.utf8)
        let isCut = scanner.cut(bytes.span.bytes, .utc)
        #expect(isCut == (expected != nil))
        guard let expected else { return }
        #expect(scanner.values.map { bytes.span.bytes.text($0) } == expected)
    }

    @Test(
        "a format that cannot be used says why and where",
        arguments: [
            ("%(levelname)s", 0, .noMessage), ("%s %(message)s", 0, .badAttribute),
            ("%(message)s %(x", 12, .badAttribute), ("{message} {", 10, .badBrace),
            ("{message}}", 9, .badBrace),
            ("{} {message}", 0, .badBrace), ("%(name)s%(message)s", 0, .nothingBetween),
            (String(repeating: "%(name)s ", count: 64) + "%(message)s", 0, .tooMany),
        ] as [(String, Int, PythonFormatError.Problem)]
    )
    func refused(_ text: String, offset: Int, problem: PythonFormatError.Problem) {
        #expect(throws: PythonFormatError(offset: offset, problem: problem)) { try PythonLogFormat(text) }
    }

    @Test(
        "times are read with and without zone",
        arguments: [
            ("2026-11-22 10:14:47,092", "+08:00", "2026-11-22T02:14:47.092Z", 23),
            ("2026-11-22 10:14:47.092123456x", "UTC", "2026-11-22T10:14:47.092123456Z", 29),
            ("2026-11-22 10:14:43 +0100]", "+08:00", "2026-11-22T09:14:43.000Z", 25),
            ("2026-11-22T10:14:43-05:30", "+08:00", "2026-11-22T15:44:43.000Z", 25),
            ("2026-11-22 10:14:43 - x", "UTC", "2026-11-22T10:14:43.000Z", 19),
            ("22/Nov/2026 10:14:43]", "Europe/Berlin", "2026-11-22T09:14:43.000Z", 20),
            ("2026-07-22 10:14:43", "Europe/Berlin", "2026-07-22T08:14:43.000Z", 19),
            ("2026-02-30 10:14:43", "UTC", nil, 0), ("10:14:43", "UTC", nil, 0), ("", "UTC", nil, 0),
        ] as [(String, String, String?, Int)]
    )
    func times(_ text: String, zone: String, expected: String?, end: Int) throws {
        let bytes = Array(text.utf8)
        let found = PythonTime.read(bytes.span.bytes, 0..<bytes.count, try TimeZoneRules.named(zone))
        #expect(found?.time.iso8601 == expected)
        if expected != nil { #expect(found?.end == end) }
    }
}
