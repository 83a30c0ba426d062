import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Grok patterns")
struct GrokPatternsTests {
    @Test("of this program all compile", arguments: [true, false])
    func compile(isECS: Bool) throws {
        let patterns = GrokPatterns(isECS: isECS)
        let names = (isECS ? GrokPatterns.ecs : GrokPatterns.legacy).keys
        #expect(names.count > 90)
        for name in names {
            _ = try CapturePattern(try patterns.expanded("%{\(name)}"), source: "")
        }
    }

    @Test(
        "match what their names say",
        arguments: [
            // name, text, match; nil for none
            ("INT", "a-12", "-12"), ("NUMBER", "x1.50y", "1.50"), ("POSINT", "007 12", "12"),
            ("NONNEGINT", "-0", "0"), ("WORD", "M-SEARCH", "M"), ("NOTSPACE", " a\"b c", "a\"b"),
            ("BASE16NUM", "x ab12", "ab12"), ("BASE16FLOAT", "0x1.8", "0x1.8"),
            ("QUOTEDSTRING", #"a "b \" c" d"#, #""b \" c""#), ("QS", #"x "" y"#, #""""#),
            ("QS", "x 'it' y", "'it'"), ("UUID", "550E8400-e29b-41d4-a716-44665544000", nil),
            ("MAC", "00:1a:2B:3c:4d:5e", "00:1a:2B:3c:4d:5e"), ("MAC", "001a.2b3c.4d5e", "001a.2b3c.4d5e"),
            ("IPV4", "x10.0.0.255:80", "10.0.0.255"), ("IPV4", "10.0.0.256", nil), ("IPV4", "1.2.3", nil),
            ("IP", "::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("IP", "[fe80::1%eth0]", "fe80::1%eth0"),
            ("IPV6", "::1", "::1"), ("IPV6", "a ::", "::"), ("IPV6", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("IPV6", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::"), ("IPV6", "1::8", "1::8"),
            ("IPV6", "64:ff9b::192.0.2.33", "64:ff9b::192.0.2.33"),
            ("IPV6", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"),
            ("IPV6", "13:55:36", nil), ("IPV6", "Foo::Bar", nil),
            ("HOSTNAME", "web-1.example.com.", "web-1.example.com."),
            ("IPORHOST", "2001:db8::1", "2001:db8::1"),
            ("HOSTPORT", "db:5432", "db:5432"), ("EMAILADDRESS", "<a.b+c@x.org>", "a.b+c@x.org"),
            ("PATH", #"C:\Temp\x.log"#, #"C:\Temp\x.log"#), ("UNIXPATH", "/a/b%20c d", "/a/b%20c"),
            ("URI", "see https://u:p@x.org:8080/a/b?c=d#e now", "https://u:p@x.org:8080/a/b?c=d#e"),
            ("URIPATHPARAM", #"/a\x22b"#, "/a"), ("URIPARAM", "/a?b[]=c d", "?b[]=c"),
            ("MONTH", "in June", "June"), ("MONTH", "Juneau", nil), ("MONTHNUM", "12", "12"),
            ("MONTHDAY", "31", "31"),
            ("DAY", "Thursday", "Thursday"), ("YEAR", "2026", "2026"), ("YEAR", "126", "12"),
            ("HOUR", "23", "23"),
            ("TIME", "at 23:59:60.5", "23:59:60.5"), ("TIME", "24:00:00", nil),
            ("DATE", "31.12.2026", "31.12.2026"),
            ("DATE", "12/31/26", "12/31/26"), ("DATESTAMP", "12/31/26 10:11:12,5", "12/31/26 10:11:12,5"),
            ("TIMESTAMP_ISO8601", "2026-11-22 10:14:47,092", "2026-11-22 10:14:47,092"),
            ("TIMESTAMP_ISO8601", "2026-11-22T10:14:47.092Z", "2026-11-22T10:14:47.092Z"),
            ("TZ", "10:00 EST", "EST"), ("SYSLOGTIMESTAMP", "Nov  2 10:14:47", "Nov  2 10:14:47"),
            ("DATESTAMP_RFC2822", "Mon, 15 Aug 2005 15:52:01 +0000", "Mon, 15 Aug 2005 15:52:01 +0000"),
            ("DATESTAMP_RFC822", "Mon Aug 15 2005 15:52:01 UTC", "Mon Aug 15 2005 15:52:01 UTC"),
            ("DATESTAMP_OTHER", "Mon Aug 15 15:52:01 UTC 2005", "Mon Aug 15 15:52:01 UTC 2005"),
            ("DATESTAMP_EVENTLOG", "20050815155201", "20050815155201"),
            ("HTTPDATE", "[10/Oct/2000:13:55:36 -0700]", "10/Oct/2000:13:55:36 -0700"),
            ("PROG", "postfix/smtpd[1]", "postfix/smtpd"), ("LOGLEVEL", "[warning] x", "warning"),
            ("LOGLEVEL", "[warn]", "warn"),
            ("TTY", "/dev/pts/3", "/dev/pts/3"), ("JAVACLASS", "at java.lang.Thread(", "at"),
            ("JAVAMETHOD", "<init>", "<init>"), ("REDISTIMESTAMP", "08 Nov 10:11:12", "08 Nov 10:11:12"),
            ("URN", "urn:isbn:0451450523 x", "urn:isbn:0451450523"),
        ] as [(String, String, String?)]
    )
    func match(_ name: String, text: String, expected: String?) throws {
        let trial = try FilterTrial("grok: {patterns: ['%{\(name):found}']}")
        #expect(try trial.apply(text)["found"] == expected.map(FilterTrial.Result.json))
    }

    @Test(
        "give the fields of whole lines",
        arguments: [
            (
                "SYSLOGLINE", "Nov 22 10:14:47 web-1 sshd[99]: Accepted key", true,
                #"{"host":{"hostname":"web-1"},"message":"Accepted key","process":{"name":"sshd","pid":99},"timestamp":"Nov 22 10:14:47"}"#
            ),
            (
                "SYSLOGLINE", "Nov 22 10:14:47 web-1 sshd[99]: Accepted key", false,
                #"{"logsource":"web-1","message":"Accepted key","pid":"99","program":"sshd","timestamp":"Nov 22 10:14:47"}"#
            ),
            (
                "SYSLOGBASE", "Nov 22 10:14:47 <3.6> web-1 cron: x", true,
                #"{"host":{"hostname":"web-1"},"log":{"syslog":{"facility":{"code":3},"priority":6}},"process":{"name":"cron"},"timestamp":"Nov 22 10:14:47"}"#
            ),
            (
                "HTTPD_ERRORLOG",
                "[Mon Aug 31 09:30:48.958285 2015] [proxy_fcgi:error] [pid 28787:tid 140169587934976] (70008)Partial results are valid: [client 58.13.45.166:59307] AH01075: Error dispatching",
                true,
                #"{"apache":{"error":{"module":"proxy_fcgi","proxy":{"error":{"code":"70008","message":"Partial results are valid"}}}},"error":{"code":"AH01075"},"log":{"level":"error"},"message":"Error dispatching","process":{"pid":28787,"thread":{"id":140169587934976}},"source":{"address":"58.13.45.166","port":59307},"timestamp":"Mon Aug 31 09:30:48.958285 2015"}"#
            ),
            (
                "RUBY_LOGGER", "I, [2026-11-22T10:14:47.092000 #42]  INFO -- app: started", false,
                #"{"loglevel":"INFO","message":"started","pid":"42","progname":"app","timestamp":"2026-11-22T10:14:47.092000"}"#
            ),
            (
                "JAVASTACKTRACEPART", "\tat com.x.App.run(App.java:17)", false,
                #"{"class":"com.x.App","file":"App.java","line":"17","method":"run"}"#
            ),
            (
                "REDISLOG", "[4018] 14 Nov 07:01:22 * Background saving", false,
                #"{"pid":"4018","timestamp":"14 Nov 07:01:22"}"#
            ),
            (
                "HAPROXYHTTP",
                #"Nov 22 10:14:47 lb haproxy[9]: 10.0.0.1:33317 [22/Nov/2026:10:14:47.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/2/3/4/0 5/6 {x.org} {} "GET /index.html HTTP/1.1""#,
                false,
                #"{"accept_date":"22/Nov/2026:10:14:47.655","actconn":"1","backend_name":"static","backend_queue":"6","beconn":"3","bytes_read":"2750","captured_request_cookie":"-","captured_request_headers":"x.org","captured_response_cookie":"-","client_ip":"10.0.0.1","client_port":"33317","feconn":"2","frontend_name":"http-in","http_request":"/index.html","http_status_code":"200","http_verb":"GET","http_version":"1.1","pid":"9","program":"haproxy","retries":"0","server_name":"srv1","srv_queue":"5","srvconn":"4","syslog_server":"lb","syslog_timestamp":"Nov 22 10:14:47","termination_state":"----","time_backend_connect":"30","time_backend_response":"69","time_duration":"109","time_queue":"0","time_request":"10"}"#
            ),
        ]
    )
    func giveFields(_ name: String, line: String, isECS: Bool, expected: String) throws {
        let trial = try FilterTrial(
            "grok: {field: raw, patterns: ['^%{\(name)}'], ecs_compatibility: \(isECS)}"
        )
        let result = try trial.apply(json: FilterTrial.Result.json(["raw": line]))
        var fields = result.fields
        fields["raw"] = nil
        #expect(FilterTrial.Result.json(fields) == expected)
    }

    @Test("come from files, and mistakes name their line")
    func comeFromFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "grok-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        try write("10-shop", "# orders\n\nORDER o-%{DIGITS}\r\n  DIGITS \\d+  \n")
        try write("20-later", "DIGITS [5-9]+\n")
        try write(".hidden", "nothing here")
        let options = "patterns: ['%{ORDER:order}'], patterns_dir: '\(folder.path)'"
        #expect(try FilterTrial("grok: {\(options)}").apply("o-123")["order"] == nil)
        #expect(try FilterTrial("grok: {\(options)}").apply("o-567")["order"] == "\"o-567\"")
        let first = try FilterTrial("grok: {\(options), patterns_files_glob: '10-*'}")
        #expect(try first.apply("o-123")["order"] == "\"o-123\"")
        let file = folder.path + "/10-shop"
        let named = try FilterTrial("grok: {patterns: ['%{ORDER:order}'], patterns_files: ['\(file)']}")
        #expect(try named.apply("o-123")["order"] == "\"o-123\"")

        try write("30-wrong", "GOOD x\nNAME\nB@D x\nOPEN (\nMISSING %{NOWHERE}\n")
        let problems = FilterTrial.problems("grok: {\(options)}")
        for expected in [
            "30-wrong:2: NAME has no pattern", "30-wrong:3: \"B@D\" is no name",
            "30-wrong:4: OPEN: missing closing parenthesis",
            "30-wrong:5: MISSING: there is no pattern %{NOWHERE}",
        ] {
            #expect(problems.contains(expected))
        }
        #expect(
            FilterTrial.problems("grok: {patterns: [x], patterns_dir: /nowhere}").contains(
                "/nowhere cannot be read"
            )
        )
        #expect(
            FilterTrial.problems("grok: {patterns: [x], patterns_files: [/nowhere]}").contains(
                "/nowhere cannot be read"
            )
        )
    }

    @Test("do not grow without end")
    func doNotGrow() {
        var patterns = GrokPatterns(isECS: true)
        patterns.define("P0", "xxxxxxxxxx")
        for level in 1...30 { patterns.define("P\(level)", "%{P\(level - 1)}%{P\(level - 1)}") }
        #expect(throws: PatternError.self) { try patterns.expanded("%{P30}") }
        for level in 1...200 { patterns.define("D\(level)", "%{D\(level - 1)}") }
        #expect(throws: PatternError.self) { try patterns.expanded("%{D200}") }
    }
}
