import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Pipeline")
struct PipelineTests {
    static let line = #"192.0.2.1 - - [22/Nov/2026:10:13:40 +0000] "GET /a HTTP/1.1" 200 6 "-" "curl/8""#

    @Test(
        "a line that does not fit keeps everything and says why",
        arguments: [
            "", "\"", "\"\"\"\"\"\"", "GET / HTTP/1.1", String(repeating: "\"", count: 5000),
            "\u{0}\u{1}\u{1b}[31m",
            #"192.0.2.1 - - [22/Nov/2026:10:13:40 +0000] "GET / HTTP/1.1" 2x0 6 "-" "-""#,
            String(repeating: "[", count: 100_000), "日本 \\ \\x \\\"",
        ]
    )
    func unparsed(_ line: String) throws {
        let harness = try PipelineHarness()
        let document = try harness.document(line)
        #expect(document.string("event.original") == line)
        #expect(document.tags == ["_nginxparsefailure"])
        #expect(
            (document["error.message"] as? [String])?.first?.hasPrefix("log_format does not match") == true
        )
        #expect(document.string("@timestamp") == "2026-11-22T10:30:00.000Z")
        #expect(document.string("event.created") == "2026-11-22T10:30:00.000Z")
        #expect(document.index == "nginx-2026.11.22")
        #expect(document.string("host.name") == "web-1")
        #expect(harness.counters.unparsed.total == 1)
    }

    @Test("a line of 10 MB goes through, and the next one is as always")
    func hugeLine() throws {
        let harness = try PipelineHarness()
        let path = "/" + String(repeating: "a\u{7f}%41é", count: 2 << 20)
        let huge = try harness.document(Self.line.replacingOccurrences(of: "/a", with: path))
        #expect(huge.string("url.original") == path)
        #expect(try harness.document(Self.line).string("url.path") == "/a")
    }

    @Test(
        "bytes that are no event are stored, repaired",
        arguments: [
            ([], ""), (Array("{".utf8), "{"), (Array("[1]".utf8), "[1]"), (Array("null".utf8), "null"),
            (Array(#"{"message":"a"} x"#.utf8), #"{"message":"a"} x"#),
            (Array(#"{"message":""#.utf8) + [0xFF, 0x22, 0x7D], "{\"message\":\"\u{FFFD}\"}"),
            (
                Array((String(repeating: #"{"a":"#, count: 200) + "1").utf8),
                String(repeating: #"{"a":"#, count: 200) + "1"
            ),
        ] as [([UInt8], String)]
    )
    func brokenJSON(_ payload: [UInt8], original: String) throws {
        let harness = try PipelineHarness()
        let document = try harness.process(payload)
        #expect(document.string("event.original") == original)
        #expect(document.tags == ["_jsonparsefailure"])
        #expect(document.string("@timestamp") == PipelineHarness.receivedAt.iso8601)
        #expect(document.id.utf8.count == 20)
        #expect(harness.counters.badJSON.total == 1)
    }

    @Test(
        "events of other senders keep what they carry",
        arguments: [
            (#"{"message":"x","n":1}"#, #"{"n": 1, "event.original": "x"}"#),
            (
                #"{"host":"web-01","level":"INFO","message":"x"}"#,
                #"{"host.name": "web-01", "level": "INFO"}"#
            ),
            (#"{"message":"x","event":"login"}"#, #"{"labels.event": "login", "event.kind": "event"}"#),
            (#"{"message":"x","event":null}"#, #"{"labels": null}"#),
            (#"{"message":7}"#, #"{"event.original": 7}"#),
            (#"{"message":{"a":[1,{}]}}"#, #"{"event.original.a": [1, {}]}"#),
            (
                #"{"message":"a\ud83d","b":"\ude00\ud83d\ude00"}"#,
                #"{"event.original": "a\ufffd", "b": "\ufffd😀"}"#
            ),
            (
                #"{"a":1}"#,
                #"{"a": 1, "tags": "_nginxparsefailure", "error.message": "the event has no message"}"#
            ),
            (
                #"{"message":"x","log.level":"info","log":{"offset":5,"x":{"y":2}}}"#,
                #"{"log.level": "info", "log.offset": 5, "log.x.y": 2}"#
            ),
            (#"{"message":"x","tags":["a"]}"#, #"{"tags": ["a", "_nginxparsefailure"]}"#),
            (#"{"message":"x","tags":[ ]}"#, #"{"tags": "_nginxparsefailure"}"#),
            (#"{"message":"x","tags":"a"}"#, #"{"tags": ["a", "_nginxparsefailure"]}"#),
            (#"{"message":"x","error":{"message":"old","type":"json"}}"#, #"{"error.type": "json"}"#),
            (#"{"message":"x","a":1,"a":{"b":2}}"#, #"{"a.b": 2}"#),
            (
                #"{"message":"x","@metadata":{"beat":"filebeat","_id":"abc"}}"#,
                #"{"@metadata": null, "@id": null}"#
            ),
            (
                #"{"message":"x","url":{"path":"/p","other":1},"fields":{"app":"shop"}}"#,
                #"{"url.path": "/p", "url.other": 1, "fields.app": "shop"}"#
            ),
        ]
    )
    func foreign(_ payload: String, expected: String) throws {
        let document = try PipelineHarness().process(Array(payload.utf8))
        let fields = try JSONSerialization.jsonObject(with: Data(expected.utf8)) as? [String: Any] ?? [:]
        for (path, value) in fields {
            let wanted = value is NSNull ? nil : value
            #expect(LogVectors.areEqual(document[path], wanted), "\(path) in \(document.text)")
        }
        #expect(document.string("@timestamp") == PipelineHarness.receivedAt.iso8601)
    }

    @Test(
        "events of the real Filebeat",
        arguments: ["filebeat-nginx-access", "filebeat-odd-bytes", "python-logstash-async"]
    )
    func filebeat(_ name: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("lumberjack/\(name).json")))
        let events = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let harness = try PipelineHarness()
        for event in events {
            let document = try harness.process([UInt8](try JSONSerialization.data(withJSONObject: event)))
            #expect(document.string("event.original") == event["message"] as? String)
            #expect(document.string("event.created") == event["@timestamp"] as? String)
            #expect(document.tags.isEmpty == (name == "filebeat-nginx-access"))
            #expect(document["@metadata"] == nil && document["message"] == nil)
            for key in ["agent", "ecs", "input", "log", "service", "fileset", "level", "extra"] {
                #expect(LogVectors.areEqual(document.json[key], event[key]), "\(key)")
            }
        }
    }

    @Test(
        "dates outside of the bounds are told, and stored under the time of reading",
        arguments: [
            ("22/Nov/2026:10:13:40 +0000", "2026-11-22T10:13:40.000Z", []),
            ("22/Nov/2025:10:31:40 +0000", "2025-11-22T10:31:40.000Z", []),
            ("22/Nov/2025:10:13:40 +0000", "2026-11-22T10:30:00.000Z", ["_dateoutofrange"]),
            ("23/Nov/2026:10:13:40 +0000", "2026-11-23T10:13:40.000Z", []),
            ("23/Nov/2026:10:31:40 +0000", "2026-11-22T10:30:00.000Z", ["_dateoutofrange"]),
            ("01/Jan/9999:00:00:00 +0000", "2026-11-22T10:30:00.000Z", ["_dateparsefailure"]),
            ("30/Feb/2026:10:13:40 +0000", "2026-11-22T10:30:00.000Z", ["_dateparsefailure"]),
            ("23/Nov/2026:01:30:00 +0530", "2026-11-22T20:00:00.000Z", []),
        ] as [(String, String, [String])]
    )
    func dates(_ text: String, time: String, tags: [String]) throws {
        let line = Self.line.replacingOccurrences(of: "22/Nov/2026:10:13:40 +0000", with: text)
        let document = try PipelineHarness { $0.oldestEvent = .seconds(365 * 86400) }.document(line)
        #expect(document.string("@timestamp") == time)
        #expect(document.tags == tags)
        #expect(document.index == "nginx-" + time.prefix(10).replacingOccurrences(of: "-", with: "."))
        #expect(document.string("url.path") == "/a")
    }

    @Test("no bytes crash it, and every line is kept")
    func anything() throws {
        let harness = try PipelineHarness {
            $0.logFormat = "$request $upstream_addr|$status \"$args\" $time_local"; $0.escape = .json
        }
        let combined = try PipelineHarness()
        var random = SplitMix(state: 7)
        let alphabet = Array(
            #"ab "\|[]{}:,/?#%-0129é日\#u{0}\#u{7f}u00xGET HTTP/1.1 22/Nov/2026:10:13:40 +0000"#.unicodeScalars
        )
        for round in 0..<3000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int(random.next() % 120) {
                scalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
            }
            let line = String(scalars)
            #expect(try harness.document(line).string("event.original") == line)
            // A good line with one byte changed.
            var bytes = Array(Self.line.utf8)
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() % 128)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(try combined.document(text).string("event.original") == text)
            // A payload with one byte changed.
            var payload = Array(
                #"{"@timestamp":"2026-11-22T10:30:00Z","message":"a\"b\ud83d","log":{"offset":1}}"#.utf8
            )
            payload[round % payload.count] = UInt8(random.next() % 256)
            _ = try combined.process(payload)
        }
    }

    @Test("WeChat is told apart from the browser it is made of")
    func weChat() throws {
        let harness = try PipelineHarness()
        func document(_ agent: String, _ referrer: String = "-") throws -> PipelineHarness.Document {
            try harness.document(
                Self.line.replacingOccurrences(of: #""-" "curl/8""#, with: "\"\(referrer)\" \"\(agent)\"")
            )
        }
        let agent = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.42(0x18002a2c) NetType/WIFI Language/zh_CN"
        let rows: [(agent: String, referrer: String, fields: [String: Any])] = [
            ("Mozilla/5.0", "https://servicewechat.com/wx1/12/page-frame.html", [:]),
            (
                agent, "-",
                ["client": "WeChat", "app_version": "8.0.42", "network_type": "WIFI", "language": "zh_CN"]
            ),
            (
                agent, "https://servicewechat.com/wx1/12/page-frame.html",
                ["mini_program": true, "appid": "wx1", "version": "12", "release": "release"]
            ),
            (agent, "https://servicewechat.com/wx1/0/page-frame.html", ["release": "trial"]),
            (agent, "https://servicewechat.com/wx1/devtools/page-frame.html", ["release": "devtools"]),
            (agent + " MiniProgramEnv/Windows", "-", ["mini_program": true]),
            (agent + " miniProgram/wx1", "-", ["mini_program": true]),
            (agent + " wxwork/4.1.9", "-", ["client": "WeCom"]),
            (agent, "https://servicewechat.com/wx1/page-frame.html", ["client": "WeChat"]),
        ]
        for row in rows {
            let weChat = try document(row.agent, row.referrer).json["wechat"] as? [String: Any]
            if row.fields.isEmpty { #expect(weChat == nil) }
            for (name, value) in row.fields {
                #expect(LogVectors.areEqual(weChat?[name], value), "\(row) \(name)")
            }
            if !row.referrer.hasSuffix("page-frame.html") && !row.agent.lowercased().contains("miniprogram") {
                #expect(weChat?["mini_program"] == nil)
            }
        }
    }

    @Test("variables of TLS, tracing, addresses and maps have their fields")
    func variables() throws {
        let harness = try PipelineHarness { configuration in
            configuration.logFormat =
                "$remote_addr:$remote_port $server_addr $server_port $ssl_protocol $ssl_cipher $http_traceparent $pid "
                + "$hostname $my_map $https $host $uri$is_args$args $sent_http_content_type $msec"
        }
        let document = try harness.document(
            "192.0.2.1:4711 192.0.2.2 443 TLSv1.3 TLS_AES_256_GCM_SHA384 "
                + "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 17 web-2 gold on example.com:8443 /a%b.c?x=%41 "
                + "text/html 1795342422.275"
        )
        let expected: [String: Any] = [
            "source.ip": "192.0.2.1", "source.port": 4711, "server.ip": "192.0.2.2", "server.port": 443,
            "tls.version": "1.3", "tls.version_protocol": "tls", "tls.cipher": "TLS_AES_256_GCM_SHA384",
            "trace.id": "4bf92f3577b34da6a3ce929d0e0e4736", "transaction.id": "00f067aa0ba902b7",
            "process.pid": 17,
            "host.hostname": "web-2", "nginx.access.my_map": "gold", "url.scheme": "https",
            "url.domain": "example.com",
            "url.port": 8443, "url.path": "/a%b.c", "url.extension": "c", "url.query": "x=A",
            "url.original": "/a%b.c?x=%41", "http.response.mime_type": "text/html",
            "@timestamp": "2026-11-22T10:13:42.275Z",
        ]
        for (path, value) in expected {
            #expect(LogVectors.areEqual(document[path], value), "\(path) in \(document.text)")
        }
    }
}

/// Numbers that are the same in every run.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
