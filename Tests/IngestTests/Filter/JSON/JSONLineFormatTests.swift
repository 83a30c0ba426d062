import Foundation
import Testing

@testable import Common
@testable import Ingest

@Suite("Lines that are JSON")
struct JSONLineFormatTests {
    /// The members of the harness' event: offset 0 of file f1, host web-1, agent a1.
    @Test(
        "join the event",
        arguments: [
            (.json, #"{"a":1,"b":{"c":[7]},"message":"m"}"#, #"{"a":1,"b.c":[7],"message":"m"}"#),
            // Where the line was read is what its sender says.
            (
                .json,
                #"{"log":{"offset":9,"file":{"path":"/etc/x"},"level":"WARN"},"agent":{"id":"x"},"host":{"name":"h","os":"l"}}"#,
                #"{"log.offset":0,"log.file.path":"/var/log/nginx/access.log","log.level":"warn","agent.id":"a1","host.name":"web-1","host.os":"l"}"#
            ),
            (
                .json, #"{"event":{"original":"x","dataset":"shop","created":1}}"#,
                #"{"event.dataset":"shop"}"#
            ),
            (.json, #"{"host":"other","user":"bob"}"#, #"{"host.name":"web-1","labels.user":"bob"}"#),
            (.json, #"{"@metadata":{"_id":"x"},"a":1,"a":2}"#, #"{"@metadata":null,"a":2}"#),
            (.json, #"{"tags":["t"],"error":{"message":"e"}}"#, #"{"tags":["t"],"error.message":"e"}"#),
            (.json, #"{"a":"\ud83d","message":"\ude00"}"#, #"{"a":"\ufffd","message":"\ufffd"}"#),
            (
                .json, #"{"time":"2026-11-22T09:00:00Z","level":"ERROR","msg":"m"}"#,
                #"{"@timestamp":"2026-11-22T09:00:00.000Z","log.level":"error","message":"m","time":null}"#
            ),
            (.json, #"{"ts":1795342422.275}"#, #"{"@timestamp":"2026-11-22T10:13:42.275Z"}"#),
            (.json, #"{"ts":1795342422275}"#, #"{"@timestamp":"2026-11-22T10:13:42.275Z"}"#),
            // Not a time, not a level: kept as they came.
            (.json, #"{"time":"noon","level":3,"msg":{"a":1}}"#, #"{"time":"noon","level":3,"msg.a":1}"#),
            (.json, #"{"msg":"short","message":"long"}"#, #"{"message":"long","msg":"short"}"#),
            (.json, #"{"name":"x","process":7}"#, #"{"name":"x","labels.process":7}"#),
            (
                .json, #"{"@timestamp":"soon"}"#,
                #"{"tags":"_dateparsefailure","@timestamp":"2026-11-22T10:30:00.000Z"}"#
            ),
            // python-json-logger.
            (
                .pythonJSON,
                #"{"asctime":"2026-11-22 10:14:47,092","levelname":"WARNING","name":"shop","message":"low","process":7,"thread":140003606629248,"threadName":"MainThread","filename":"a.py","lineno":3,"funcName":"f","taskName":null,"sku":"A"}"#,
                #"{"@timestamp":"2026-11-22T10:14:47.092Z","log.level":"warning","log.logger":"shop","message":"low","process.pid":7,"process.thread.id":140003606629248,"process.thread.name":"MainThread","log.origin.file.name":"a.py","log.origin.file.line":3,"log.origin.function":"f","sku":"A"}"#
            ),
            (
                .pythonJSON,
                #"{"message":"it failed","exc_info":"Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\nKeyError: 'k'"}"#,
                #"{"error.type":"KeyError","error.message":"'k'","error.stack_trace":"Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\nKeyError: 'k'"}"#
            ),
            // structlog.
            (
                .pythonJSON,
                #"{"event":"logged in","level":"info","timestamp":"2026-11-22T10:00:00.5Z","logger":"auth"}"#,
                #"{"message":"logged in","@timestamp":"2026-11-22T10:00:00.500Z","log.logger":"auth","event.kind":"event"}"#
            ),
        ] as [(FormatName, String, String)]
    )
    func fields(_ format: FormatName, line: String, expected: String) throws {
        let document = try PipelineHarness(format).document(line)
        let fields = try JSONSerialization.jsonObject(with: Data(expected.utf8)) as? [String: Any] ?? [:]
        for (path, value) in fields {
            #expect(
                LogVectors.areEqual(document[path], value is NSNull ? nil : value),
                "\(path) in \(document.text)"
            )
        }
        #expect(document.string("event.original") == line)
        #expect(document.string("event.created") == "2026-11-22T10:30:00.000Z")
        // Where the id comes from cannot be changed by a line.
        #expect(try PipelineHarness(format).document(line).id == document.id)
    }

    @Test(
        "that are not what they should be are kept, without the fields that were found",
        arguments: [
            "", "x", "[1]", "null", #"{"a":1"#, #"{"log":{"level":"x"},"url":{"path":"/p"},"a":}"#,
            #"{"a":1} {"b":2}"#,
            #"{"a":"\#u{1}"}"#, "{" + (0..<2000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}",
            String(repeating: #"{"a":"#, count: 100) + "1" + String(repeating: "}", count: 100),
        ]
    )
    func broken(_ line: String) throws {
        for format in [FormatName.json, .pythonJSON, .nginxJSON] {
            let harness = try PipelineHarness(format)
            let document = try harness.document(line)
            guard format != .nginxJSON || !document.tags.isEmpty else { continue }
            #expect(document.tags == ["_jsonparsefailure"])
            #expect(
                (document["error.message"] as? [String])?.first?.hasPrefix("the line is no JSON object")
                    == true
            )
            #expect(document.string("event.original") == line)
            #expect(document["url"] == nil && document["log.level"] == nil && document["k1"] == nil)
            #expect(document["log.offset"] as? Int == 0)
            #expect(harness.counters.unparsed.total == 1)
            if format != .nginxJSON { #expect(document.string("message") == line) }
        }
    }

    @Test("tags and reasons of the sender stay beside those of the line")
    func lists() throws {
        let payload =
            #"{"message":"{\"tags\":[\"b\",\"c\"],\"error\":{\"message\":\"e\"}}","tags":["a"],"error":{"message":"s"}}"#
        let document = try PipelineHarness(.json).process(Array(payload.utf8))
        #expect(document.tags == ["a", "b", "c"])
        #expect(document["error.message"] as? [String] == ["s", "e"])
        #expect(document.text.components(separatedBy: "\"tags\"").count == 2)
    }

    @Test("a member that sender and line both have is the line's, and stands there once")
    func doubled() throws {
        let payload = #"{"message":"{\"app\":\"line\",\"fields\":1}","app":"sender","fields":{"a":1}}"#
        let document = try PipelineHarness(.json).process(Array(payload.utf8))
        #expect(document.string("app") == "line")
        #expect(document["fields"] as? Int == 1)
        #expect(document.text.components(separatedBy: "\"app\":").count == 2)
        #expect(document.text.components(separatedBy: "\"fields\":").count == 2)
    }

    @Test("equal exceptions have equal grouping keys, whether written by ecs-logging or with a header")
    func groupingKeys() throws {
        let harness = try PipelineHarness(.pythonJSON)
        func key(_ line: String) throws -> String {
            try #require(try harness.document(line).string("error.grouping_key"))
        }
        let ecs = try key(
            #"{"error":{"type":"KeyError","stack_trace":"  File \"/a.py\", line 1, in f\n    x\n"}}"#
        )
        #expect(
            try key(#"{"error":{"type":"KeyError","stack_trace":"  File \"/a.py\", line 9, in f\n    y\n"}}"#)
                == ecs
        )
        #expect(
            try key(
                #"{"exc_info":"Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\nKeyError: 'k'"}"#
            )
                == ecs
        )
        #expect(
            try key(#"{"error":{"type":"KeyError","stack_trace":"  File \"/a.py\", line 1, in g\n"}}"#) != ecs
        )
        #expect(ecs.utf8.count == 16)
    }

    @Test(
        "of nginx are understood by ECS names, nginx's names and short ones, and mended",
        arguments: [
            (
                #"{"http.request.method":"GET","url.original":"/a","source.ip":"192.0.2.1","x":1}"#,
                #"{"http.request.method":"GET","url.original":"/a","source.ip":"192.0.2.1","x":1}"#
            ),
            (
                #"{"http":{"response":{"status_code":200}},"@timestamp":"2026-11-22T10:00:00+01:00"}"#,
                #"{"http.response.status_code":200,"@timestamp":"2026-11-22T09:00:00.000Z"}"#
            ),
            (
                #"{"host":"h:81","request_uri":"/a?b=%20","status":"404","request_time":0.5,"my_map":"gold"}"#,
                #"{"url.domain":"h","url.port":81,"url.query":"b= ","http.response.status_code":404,"event.duration":500000000,"my_map":"gold","host.name":"web-1"}"#
            ),
            // $upstream_status without a value; a status that is no number of JSON; a quote's escape of another kind.
            (
                #"{"request":"GET /\x22 HTTP/1.1","upstream_status":,"status":000,"body_bytes_sent":-}"#,
                #"{"url.original":"/\\x22","http.request.method":"GET","http.response.status_code":0,"http.response.body.bytes":null}"#
            ),
            (
                #"{"uri":"/a b%41","args":"c=d","time":"22/Nov/2026:10:00:00 +0000","ua":"we\"ird\u0001"}"#,
                #"{"url.path":"/a b%41","url.original":"/a b%41?c=d","@timestamp":"2026-11-22T10:00:00.000Z","user_agent.original":"we\"ird\u0001"}"#
            ),
            (
                #"{"msec":"1795342422.275","upstream_addr":"10.0.0.1:80, -","http_traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}"#,
                #"{"@timestamp":"2026-11-22T10:13:42.275Z","nginx.access.upstream.address_list":["10.0.0.1:80",null],"trace.id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#
            ),
        ]
    )
    func nginx(_ line: String, expected: String) throws {
        let document = try PipelineHarness(.nginxJSON).document(line)
        #expect(document.tags == [], "\(document.text)")
        let fields = try JSONSerialization.jsonObject(with: Data(expected.utf8)) as? [String: Any] ?? [:]
        for (path, value) in fields {
            #expect(
                LogVectors.areEqual(document[path], value is NSNull ? nil : value),
                "\(path) in \(document.text)"
            )
        }
    }
}
