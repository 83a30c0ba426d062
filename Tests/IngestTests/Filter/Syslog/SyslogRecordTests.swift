import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Lines of syslog")
struct SyslogRecordTests {
    /// Lines 1 to 3 and 6 to 8 are the examples of RFC 3164, section 5.4, and RFC 5424, section 6.5.
    @Test(
        "become fields",
        arguments: [
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
                [
                    "time": "2026-10-11T22:14:15.000Z", "host": "mymachine", "application": "su",
                    "priority": "34",
                    "message": "'su root' failed for lonvick on /dev/pts/8",
                ]
            ),
            ("<13>Use the BFG!", ["priority": "13", "message": "Use the BFG!"]),
            (
                "<165>Aug  4 05:34:00 mymachine myproc[10]: %% It's time",
                [
                    "time": "2026-08-04T05:34:00.000Z", "process": "10", "application": "myproc",
                    "message": "%% It's time",
                ]
            ),
            ("Nov 22 10:15:41 web-1 kernel: [1.5] x", ["application": "kernel", "message": "[1.5] x"]),
            (
                "2026-11-22T10:15:41.123456+01:00 web-1 sshd[7]: text",
                [
                    "time": "2026-11-22T09:15:41.123456Z", "host": "web-1", "application": "sshd",
                    "process": "7",
                ]
            ),
            (
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{FEFF}'su root' failed",
                [
                    "version": "1", "time": "2003-10-11T22:14:15.003Z", "host": "mymachine.example.com",
                    "application": "su", "id": "ID47", "message": "'su root' failed",
                ]
            ),
            (
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
                ["time": "2003-08-24T12:14:15.000003Z", "process": "8710", "message": "%% It's time"]
            ),
            (
                "<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 iut=\"3\" b=\"x\\]y\"][c@2] An application",
                ["data": "[a@1 iut=\"3\" b=\"x\\]y\"][c@2]", "message": "An application"]
            ),
            ("<165>1 - - - - - -", ["message": ""]),
            // Years, which some devices write.
            ("<34>Oct 11 2025 22:14:15 r1 x: y", ["time": "2025-10-11T22:14:15.000Z", "host": "r1"]),
            ("<34>Oct 11 22:14:15.25 r1 x: y", ["time": "2026-10-11T22:14:15.250Z"]),
            (
                "<34>Oct 11 22:14:15 %LINK-3-UPDOWN: down",
                ["application": "%LINK-3-UPDOWN", "message": "down"]
            ),
            ("Oct 11 22:14:15 web-1 no tag here", ["host": "web-1", "message": "no tag here"]),
            // From the future, so from last year.
            ("Dec 31 23:59:59 web-1 x: y", ["time": "2025-12-31T23:59:59.000Z"]),
        ] as [(String, [String: String])]
    )
    func fields(_ line: String, expected: [String: String]) throws {
        let bytes = Array(line.utf8)
        let span = bytes.span.bytes
        let read = SyslogRecord(span, LineContext(readTime: PipelineHarness.receivedAt))
        let record = try #require(read)
        let found: [String: String?] = [
            "time": record.time?.iso8601, "host": record.host.map { span.text($0) },
            "application": record.application.map { span.text($0) },
            "process": record.process.map { span.text($0) }, "id": record.messageID.map { span.text($0) },
            "version": record.version.map { span.text($0) },
            "data": record.structuredData.map { span.text($0) },
            "priority": record.priority.map { "\($0)" }, "message": span.text(record.message),
        ]
        for (name, value) in expected { #expect(found[name] == value, "\(name)") }
    }

    @Test(
        "of other forms are refused",
        arguments: [
            "", "<", "<34", "<192>x", "<-1>x", "<0x1>y", "hello", "<34>1 ", "<34>1 - - - -",
            "<34>1 - - - - - [a",
            "<34>1 - - - - - [a b=\"c]", "<34>1 - - - - - x", "Nov 22", "Nov 32 10:15:41 a b: c",
        ]
    )
    func refused(_ line: String) {
        let bytes = Array(line.utf8)
        let isRead = SyslogRecord(bytes.span.bytes, LineContext(readTime: PipelineHarness.receivedAt)) != nil
        #expect(!isRead)
    }

    @Test(
        "the year is that of the time of reading, or the one before or behind it",
        arguments: [
            ("Dec 31 23:59:59", "2027-01-01T00:00:10Z", "2026-12-31T23:59:59.000Z"),
            // The clock of the reader is a little slow.
            ("Jan  1 00:00:05", "2026-12-31T23:59:50Z", "2027-01-01T00:00:05.000Z"),
            ("Nov 22 10:00:00", "2026-11-22T11:00:00Z", "2026-11-22T10:00:00.000Z"),
            ("Nov 27 10:00:00", "2026-11-22T11:00:00Z", "2025-11-27T10:00:00.000Z"),
            ("Feb 29 10:00:00", "2027-03-01T00:00:00Z", "2024-02-29T10:00:00.000Z"),
        ]
    )
    func years(_ text: String, readTime: String, expected: String) throws {
        let clock = Array(readTime.utf8)
        let parsed = CalendarTime.parse(iso8601: clock.span.bytes, 0..<clock.count)
        let now = try #require(parsed)
        let bytes = Array(text.utf8)
        let found = SyslogTime.read(bytes.span.bytes, 0..<bytes.count, LineContext(readTime: now))
        #expect(found?.time.iso8601 == expected)
    }

    @Test("structured data become objects, and a name that repeats counts once")
    func structuredData() throws {
        let harness = try PipelineHarness(.syslog)
        let document = try harness.document(
            #"<165>1 2026-11-22T10:15:41Z h a - - [o ip="::1" q="\"\\\]" ip="2"][o x="1"][e] hello"#
        )
        let data = try #require(document["log.syslog.structured_data"] as? [String: [String: String]])
        #expect(data == ["o": ["ip": "::1", "q": "\"\\]"], "e": [:]])
        #expect(document.text.components(separatedBy: "\"ip\":").count == 2)
        #expect(document.string("log.level") == "notice")
        #expect(document.string("message") == "hello")
    }
}
