import Common
import Foundation
import Testing

@testable import Shipper

/// Files whose lines are more than bytes between line feeds, sent by the real loop.
@Suite("Lines by rules", .serialized)
struct LineStories {
    private let folder: Folder
    private let receiver: TestReceiver

    init() throws {
        folder = try Folder()
        receiver = try TestReceiver()
    }

    /// The rules that a configuration file says.
    private static func rules(_ text: String, dataset: String = "") throws -> LineRules {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "test.yml")
        let rules = LineRules(reader, dataset: dataset)
        _ = reader.int("max_bytes", default: 0, in: 0...100)
        try reader.finish()
        return rules
    }

    /// A vector of a real Filebeat, and where ours differs for a reason.
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        /// Our configuration for Filebeat's of the vector.
        let configuration: String
        var maxBytes = 10 << 20
        /// What we send instead, by offset of the event: each with its reason.
        var exceptions: [Int: [String: String]] = [:]
        /// Whether the last event waits for more lines and is sent with the end of the run.
        var endsWithRest = false

        var testDescription: String { name }
    }

    @Test(
        "become what a real Filebeat made of them",
        arguments: [
            Vector(
                name: "multiline-nginx-error",
                configuration: #"multiline: {pattern: '^\d{4}\/\d{2}\/\d{2} ', negate: true, match: after}"#
            ),
            Vector(
                name: "multiline-after-whitespace",
                configuration:
                    #"multiline: {pattern: '^[[:space:]]+(at|\.{3})[[:space:]]+\b|^Caused by:', match: after}"#
            ),
            Vector(
                name: "multiline-after-negate-traceback",
                configuration: #"multiline: {pattern: '^\[', negate: true, match: after}"#
            ),
            Vector(
                name: "multiline-before-backslash",
                configuration: #"multiline: {pattern: '\\$', match: before}"#
            ),
            // The group that is not full goes with the end of the run.
            Vector(
                name: "multiline-count",
                configuration: "multiline: {type: count, count_lines: 3}",
                endsWithRest: true
            ),
            Vector(
                name: "multiline-while",
                configuration: #"multiline: {type: while_pattern, pattern: '^\{'}"#
            ),
            Vector(
                name: "multiline-max-bytes",
                configuration: #"multiline: {pattern: '^\[', negate: true, match: after}"#,
                maxBytes: 30
            ),
            Vector(
                name: "include-exclude",
                configuration: "include_lines: ['^ERR', '^WARN']\nexclude_lines: [DBG]"
            ),
            Vector(name: "gbk", configuration: "encoding: gbk"),
            Vector(
                name: "container-cri",
                configuration: "container: {format: cri}",
                // Times keep their digits.
                exceptions: [0: ["@timestamp": "\"2023-10-06T00:17:09.669794202Z\""]]
            ),
            Vector(
                name: "json-default",
                configuration: "json: {target: json}",
                // Big integers keep their digits.
                exceptions: [0: ["json.big": "12345678901234567890"]]
            ),
            Vector(
                name: "json-root",
                configuration: "json: {target: ''}",
                exceptions: [0: ["big": "12345678901234567890"]]
            ),
            Vector(
                name: "json-root-overwrite-error",
                configuration: "json: {target: '', overwrite_keys: true, add_error_key: true}",
                exceptions: [
                    0: ["big": "12345678901234567890"],
                    // Where a line came from stays, whatever it says; reasons are in words of our own.
                    137: ["error.message": "\"Error decoding JSON: unexpected byte at byte 0\""],
                    153: ["error.message": "\"Error decoding JSON: text ends inside a value at byte 11\""],
                    165: ["error.message": "\"Error decoding JSON: unexpected byte at byte 0\""],
                    173: ["error.message": "\"Error decoding JSON: unexpected byte at byte 0\""],
                    210: ["log.offset": "210"],
                ]
            ),
            Vector(
                name: "json-then-multiline",
                configuration:
                    "json: {message_key: log}\nmultiline: {pattern: '^Traceback', negate: true, match: after}"
            ),
        ]
    )
    func vectors(_ vector: Vector) throws {
        try folder.append(try Fixture.bytes("tailing/\(vector.name).log"), to: "app.log")
        let expected = try #require(
            try Fixture.json("tailing/\(vector.name).expected.json") as? [String: Any]
        )
        let wanted = try #require(expected["events"] as? [[String: Any]])
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            maxLineBytes: vector.maxBytes,
            isOnce: true,
            rules: try Self.rules(vector.configuration)
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        let events = try receiver.events.map { try Self.flat($0.json) }
        #expect(events.count == wanted.count + (vector.endsWithRest ? 1 : 0))
        for (event, wanted) in zip(events, wanted) {
            var fields = Self.flat(wanted["fields"] as? [String: Any] ?? [:])
            fields["message"] = wanted["message"].map(Self.json)
            let offset = try #require(wanted["offset"] as? Int)
            fields["log.offset"] = "\(offset)"
            fields["log.flags"] = (wanted["flags"] as? [String]).map(Self.json)
            let place = event["log.offset"].flatMap { Int($0) } ?? -1
            fields.merge(vector.exceptions[place] ?? [:]) { $1 }
            // Filebeat's input `log` marks what is no JSON with an empty object, filestream does not.
            fields["json"] = nil
            if fields["message"] == "\"\"" { fields["message"] = nil }
            for (name, value) in fields { #expect(event[name] == value, "\(name) at \(place)") }
            if fields["log.flags"] == nil { #expect(event["log.flags"] == nil) }
        }
    }

    /// Dotted names and JSON texts of an event.
    private static func flat(_ json: String) throws -> [String: String] {
        var fields: [String: String] = [:]
        func add(_ object: JSONObject, _ prefix: String) {
            for (key, value) in object.members {
                let name = prefix + String(decoding: key, as: UTF8.self)
                switch value {
                case .text(let text): fields[name] = String(decoding: text, as: UTF8.self)
                case .object(let inner): add(inner, name + ".")
                }
            }
        }
        add(try JSONObject(Array(json.utf8).span.bytes, expandsKeys: false), "")
        return fields
    }

    private static func flat(_ object: [String: Any], _ prefix: String = "") -> [String: String] {
        var fields: [String: String] = [:]
        for (key, value) in object {
            if let inner = value as? [String: Any] {
                if inner.isEmpty { fields[prefix + key] = "{}" }
                fields.merge(flat(inner, prefix + key + ".")) { $1 }
            } else {
                fields[prefix + key] = json(value)
            }
        }
        return fields
    }

    private static func json(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else {
            return ""
        }
        return String(decoding: data, as: UTF8.self)
    }

    @Test("an event waits for its next line, and is sent when none comes for so long")
    func multilineTimeout() throws {
        let rules = try Self.rules(
            #"multiline: {pattern: '^\[', negate: true, match: after, timeout: 300ms}"#
        )
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, rules: rules)
        try folder.append("[1] a\n  b\n", to: "app.log")
        receiver.wait(count: 1)
        try folder.append("[2] c\n", to: "app.log")
        try folder.append("[3] d\n", to: "app.log")
        receiver.wait(count: 3)
        shipper.settle()
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map(\.message) == ["[1] a\n  b", "[2] c", "[3] d"])
        #expect(receiver.events.map(\.offset) == [0, 10, 16])
        #expect(receiver.events.map(\.flags) == [["multiline"], [], []])
    }

    @Test("an event too large to be held while it waits is read again when its time has come")
    func largeEventTimeout() throws {
        let rules = try Self.rules(
            #"multiline: {pattern: '^\[', negate: true, match: after, timeout: 300ms}"#
        )
        let lines = (0..<10).map { "\($0 == 0 ? "[" : " ")\(String(repeating: "x", count: 150_000))" }
        let message = lines.joined(separator: "\n")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, rules: rules)
        try folder.append(message + "\n", to: "app.log")
        receiver.wait(count: 1)
        shipper.settle()
        try folder.append("[next\n", to: "app.log")
        receiver.wait(count: 2)
        shipper.stop()
        receiver.stop()
        #expect(receiver.events.map { $0.message == message } == [true, false])
        #expect(receiver.events.map(\.flags) == [["multiline"], []])
    }

    @Test("an event that waits when the shipper stops is sent once, whole, by the next one")
    func restart() throws {
        let rules = try Self.rules(#"multiline: {pattern: '^\[', negate: true, match: after, timeout: 1h}"#)
        let first = try RunningShipper(folder, paths: ["app.log"], to: receiver, rules: rules)
        try folder.append("[1] a\n  b\n[2] c\n", to: "app.log")
        receiver.wait(count: 1)
        first.wait { $0.windowsOutstanding == 0 }
        first.stop()
        try folder.append("  d\n[3] e\n", to: "app.log")
        let second = try RunningShipper(folder, paths: ["app.log"], to: receiver, isOnce: true, rules: rules)
        #expect(second.end() == 0)
        receiver.stop()
        #expect(receiver.events.map(\.message) == ["[1] a\n  b", "[2] c\n  d", "[3] e"])
        #expect(Set(receiver.events.map(\.identity)).count == 1)
    }

    @Test(
        "encodings and line ends",
        arguments: [
            ("encoding: utf-16le", utf16(["first", "zwei ä", "三"], isBig: false), [0, 12, 26]),
            ("encoding: utf-16be", utf16(["first", "zwei ä", "三"], isBig: true), [0, 12, 26]),
            (
                "encoding: utf-16", [0xFF, 0xFE] + utf16(["first", "zwei ä", "三"], isBig: false),
                [0, 14, 28]
            ),
            (
                "encoding: utf-16", [0xFE, 0xFF] + utf16(["first", "zwei ä", "三"], isBig: true),
                [0, 14, 28]
            ),
            ("encoding: latin1", Array("first\nzwei ".utf8) + [0xE4, 0x0A], [0, 6]),
            ("encoding: shift-jis", Array("first\nzwei ".utf8) + [0x83, 0x5C, 0x0A], [0, 6]),
            ("line_terminator: null_terminator", Array("first\0zwei\n ä\0".utf8), [0, 6]),
            ("line_terminator: carriage_return", Array("first\rzwei\n ä\r".utf8), [0, 6]),
            ("line_terminator: carriage_return_line_feed", Array("first\r\nzwei\n ä\r\n".utf8), [0, 7]),
            ("line_terminator: line_feed", Array("first\r\nzwei ä\n".utf8), [0, 7]),
            ("line_terminator: paragraph_separator", Array("first\u{2029}zwei ä\u{2029}".utf8), [0, 8]),
        ]
    )
    func encodings(_ configuration: String, content: [UInt8], offsets: [Int]) throws {
        try folder.append(content, to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            isOnce: true,
            rules: try Self.rules(configuration)
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(receiver.events.map(\.offset) == offsets)
        let messages = receiver.events.map(\.message)
        #expect(messages.first?.hasPrefix("first") == true)
        #expect(messages.dropFirst().first?.hasPrefix("zwei") == true)
        if configuration.contains("utf-16") { #expect(messages == ["first", "zwei ä", "三"]) }
        if configuration.contains("latin1") { #expect(messages == ["first", "zwei ä"]) }
        if configuration.contains("shift-jis") { #expect(messages == ["first", "zwei ソ"]) }
        if configuration.contains("line_feed"), !configuration.contains("return") {
            #expect(messages == ["first\r", "zwei ä"])
        }
    }

    private static func utf16(_ lines: [String], isBig: Bool) -> [UInt8] {
        lines.flatMap { line in
            (Array(line.utf16) + [0x0A]).flatMap { unit in
                isBig ? [UInt8(unit >> 8), UInt8(unit & 0xFF)] : [UInt8(unit & 0xFF), UInt8(unit >> 8)]
            }
        }
    }

    @Test("lines longer than the reading buffer, by rules", arguments: [100, 300_000, 10 << 20])
    func longLines(maxBytes: Int) throws {
        let rules = try Self.rules("exclude_lines: ['^never']")
        let long = String(repeating: "ab", count: 200_000)
        try folder.append("a\n\(long)\nb\r\n\(long)", to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            maxLineBytes: maxBytes,
            isOnce: true,
            rules: rules,
            sendsIncompleteLine: true
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        let isCut = long.utf8.count > maxBytes
        let sent = String(long.prefix(maxBytes))
        #expect(receiver.events.map(\.message) == ["a", sent, "b", sent])
        let cut = isCut ? ["truncated"] : []
        #expect(receiver.events.map(\.flags) == [[], cut, [], cut + ["partial"]])
        #expect(receiver.events.map(\.offset) == [0, 2, 400_003, 400_006])
    }

    @Test("a last line without end is sent once, and its rest alone", arguments: [true, false])
    func incompleteLine(isPlain: Bool) throws {
        let rules = isPlain ? LineRules() : try Self.rules("exclude_lines: [never]")
        func run() throws {
            let shipper = try RunningShipper(
                folder,
                paths: ["app.log"],
                to: receiver,
                isOnce: true,
                rules: rules,
                sendsIncompleteLine: true
            )
            #expect(shipper.end() == 0)
        }
        try folder.append("begun", to: "app.log")
        try run()
        try run()
        try folder.append(" and ended\nnext\n", to: "app.log")
        try run()
        try folder.append("last", to: "app.log")
        try run()
        try folder.append("\n", to: "app.log")
        try run()
        receiver.stop()
        #expect(receiver.events.map(\.message) == ["begun", " and ended", "next", "last"])
        #expect(receiver.events.map(\.flags) == [["partial"], [], [], ["partial"]])
        #expect(receiver.events.map(\.offset) == [0, 5, 16, 21])
        #expect(Set(receiver.events.map(\.identity)).count == 1)
    }

    @Test(
        "an incomplete first line that was sent and not acknowledged is the same event when it is sent again"
    )
    func incompleteLineAgain() throws {
        receiver.acknowledge(false)
        try folder.append("begun", to: "app.log")
        let first = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            isOnce: true,
            sendsIncompleteLine: true
        )
        receiver.wait(count: 1)
        first.stop()
        try folder.append(" and ended\n", to: "app.log")
        receiver.acknowledge(true)
        let second = try RunningShipper(folder, paths: ["app.log"], to: receiver, isOnce: true)
        #expect(second.end() == 0)
        receiver.stop()
        let events = receiver.events
        #expect(events.map(\.offset) == [0, 0])
        #expect(events[0].identity == events[1].identity)
    }

    @Test("a container's streams alternate inside of their events")
    func containerLanes() throws {
        let rules = try Self.rules(
            """
            container: {format: auto}
            multiline: {pattern: '^\\s', match: after}
            """
        )
        let lines = [
            #"{"log":"out 1\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}"#,
            #"{"log":"err 1\n","stream":"stderr","time":"2026-01-01T00:00:01Z"}"#,
            #"{"log":"  out 2","stream":"stdout","time":"2026-01-01T00:00:02Z"}"#,
            #"{"log":"  err 2\n","stream":"stderr","time":"2026-01-01T00:00:03Z"}"#,
            #"{"log":" rest\n","stream":"stdout","time":"2026-01-01T00:00:04Z"}"#,
            "no line of a container",
            "2026-01-01T00:00:05.5+01:00 stdout F cri",
        ]
        try folder.append(lines.joined(separator: "\n") + "\n", to: "app.log")
        let shipper = try RunningShipper(folder, paths: ["app.log"], to: receiver, isOnce: true, rules: rules)
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(
            receiver.events.map(\.message).sorted() == [
                "cri", "err 1\n  err 2", "no line of a container", "out 1\n  out 2 rest",
            ]
        )
        let json = receiver.events.map(\.json)
        #expect(
            json.contains { $0.contains(#""@timestamp":"2026-01-01T00:00:00.000Z""#) && $0.contains("out 1") }
        )
        #expect(json.contains { $0.contains(#""stream":"stderr""#) && $0.contains("err 1") })
        #expect(json.contains { $0.contains(#""@timestamp":"2025-12-31T23:00:05.500Z""#) })
        #expect(json.contains { $0.contains(#""error":{"type":"container""#) })
    }

    @Test("a pattern that never matches cuts an endless event, and all of it arrives")
    func endlessEvent() throws {
        let rules = try Self.rules(
            #"multiline: {pattern: '^never', negate: true, match: after, max_lines: 1000000}"#
        )
        let line = String(repeating: "x", count: 99)
        let block = String(repeating: line + "\n", count: 10_000)
        for _ in 1...12 { try folder.append(block, to: "app.log") }
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            maxLineBytes: 1 << 20,
            isOnce: true,
            rules: rules
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        // Two events of 8 MiB and less, each cut at max_bytes.
        #expect(receiver.events.map(\.offset) == [0, 8_388_700])
        #expect(receiver.events.map(\.flags) == [["multiline", "truncated"], ["multiline", "truncated"]])
    }

    @Test("fields under root, also beside those of JSON")
    func fieldsUnderRoot() throws {
        let rules = try Self.rules("json: {target: '', expand_keys: true}")
        try folder.append(
            #"{"message":"m","log.level":"warn","service.name":"own","log":{"offset":7,"logger":"l"},"a":null}"#
                + "\n",
            to: "app.log"
        )
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            isOnce: true,
            rules: rules,
            fields: Array(#"{"service":{"name":"shop"},"dc":"b"}"#.utf8)
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        let event = try Self.flat(try #require(receiver.events.first).json)
        #expect(event["dc"] == "\"b\"")
        #expect(event["service.name"] == "\"shop\"")
        #expect(event["log.level"] == "\"warn\"")
        #expect(event["log.logger"] == "\"l\"")
        #expect(event["log.offset"] == "0")
        #expect(event["a"] == nil)
    }

    @Test(
        "presets know which lines belong together",
        arguments: [
            (
                "nginx.error", "",
                "2026/11/22 10:00:00 [error] 1#1: a\nPHP b\n2026/11/22 10:00:01 [warn] c\n",
                ["2026/11/22 10:00:00 [error] 1#1: a\nPHP b", "2026/11/22 10:00:01 [warn] c"]
            ),
            (
                "gunicorn.error", "",
                "[2026-11-22 10:14:43 +0000] [1] [ERROR] x\nTraceback (most recent call last):\n  File\nE: y\n[2026-11-22 10:14:44 +0000] z\n",
                [
                    "[2026-11-22 10:14:43 +0000] [1] [ERROR] x\nTraceback (most recent call last):\n  File\nE: y",
                    "[2026-11-22 10:14:44 +0000] z",
                ]
            ),
            (
                "flask", "",
                "[2026-11-22 10:14:47,092] ERROR in app: x\nTraceback\n127.0.0.1 - - [22/Nov/2026 10:14:47] \"GET / HTTP/1.1\" 200 -\n",
                [
                    "[2026-11-22 10:14:47,092] ERROR in app: x\nTraceback",
                    "127.0.0.1 - - [22/Nov/2026 10:14:47] \"GET / HTTP/1.1\" 200 -",
                ]
            ),
            (
                "django", "",
                "Not Found: /a\nInternal Server Error: /b\nTraceback (most recent call last):\n  File \"x\"\n    ^^^\nKeyError: 'k'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"y\"\nValueError: v\n[22/Nov/2026 10:15:41] \"GET /b HTTP/1.1\" 500 1\n",
                [
                    "Not Found: /a",
                    "Internal Server Error: /b\nTraceback (most recent call last):\n  File \"x\"\n    ^^^\nKeyError: 'k'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"y\"\nValueError: v",
                    "[22/Nov/2026 10:15:41] \"GET /b HTTP/1.1\" 500 1",
                ]
            ),
            (
                "", "multiline: {type: java}",
                "ERROR x\njava.lang.E: y\n\tat a.b(C.java:1)\n\t... 3 more\nCaused by: z\nINFO\n",
                ["ERROR x", "java.lang.E: y\n\tat a.b(C.java:1)\n\t... 3 more\nCaused by: z", "INFO"]
            ),
            ("nginx.error", "multiline: {type: none}", "a\nb\n", ["a", "b"]),
            ("nginx.access", "", "a\n b\n", ["a", " b"]),
        ]
    )
    func presets(_ dataset: String, configuration: String, content: String, messages: [String]) throws {
        try folder.append(content, to: "app.log")
        let shipper = try RunningShipper(
            folder,
            paths: ["app.log"],
            to: receiver,
            isOnce: true,
            rules: try Self.rules(configuration, dataset: dataset)
        )
        #expect(shipper.end() == 0)
        receiver.stop()
        #expect(receiver.events.map(\.message) == messages)
    }

    @Test(
        "whatever a file holds, every event is valid JSON with a place of its own, and a second run sends nothing",
        arguments: [
            "encoding: utf-16", "encoding: utf-16le", "encoding: shift-jis", "encoding: gb18030",
            "line_terminator: carriage_return_line_feed", "line_terminator: next_line", "container: {}",
            "container: {format: cri, stream: stderr}", "container: {}\nmultiline: {type: python_traceback}",
            "json: {add_error_key: true}", "json: {target: '', overwrite_keys: true, expand_keys: true}",
            "json: {message_key: a}\nmultiline: {pattern: '^[a-m]', match: before}\nexclude_lines: [x]",
            "multiline: {type: count, count_lines: 7, max_lines: 3, skip_newline: true}",
            "multiline: {type: while_pattern, pattern: '[{]', flush_pattern: '[}]'}",
        ]
    )
    func anyContent(_ configuration: String) throws {
        var random = SeededGenerator(seed: UInt64(configuration.utf8.count))
        let pieces: [[UInt8]] =
            [
                "{\"a\":\"", "\"}", "{\"a.b\":{\"@timestamp\":1,", "\"log\":{\"offset\":-1}}",
                "Traceback (most recent call last):",
                "  File", "\n", "\n", "\r\n", "\r", "\0", "2026-01-01T00:00:00Z stdout P ",
                "2026-01-01T00:00:00Z stderr F ",
                "{\"log\":\"x\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-01T00:00:00Z\"}\n", "\\ud800",
                "ä", "\u{85}",
            ].map { Array($0.utf8) } + [
                [0xFF, 0xFE], [0xE4], [0x83], [0x81, 0x30, 0x81], Array(repeating: 0x78, count: 300),
            ]
        var content: [UInt8] = []
        while content.count < 300_000 {
            let piece = pieces[Int(random.next() % UInt64(pieces.count))]
            content += piece
            if random.next() % 5 == 0 { content.append(UInt8(truncatingIfNeeded: random.next())) }
        }
        try folder.append(content, to: "app.log")
        let rules = try Self.rules(configuration)
        for _ in 1...2 {
            let shipper = try RunningShipper(
                folder,
                paths: ["app.log"],
                to: receiver,
                limits: EventQueue.Limits(events: 50, bytes: 20_000, compressionLevel: 1),
                maxLineBytes: 500,
                isOnce: true,
                rules: rules,
                sendsIncompleteLine: true
            )
            #expect(shipper.end() == 0)
        }
        receiver.stop()
        let events = receiver.events
        #expect(!events.isEmpty)
        #expect(Set(events.map(\.offset)).count == events.count)
        #expect(Set(events.map(\.identity)).count == 1)
        for event in events { _ = try JSONObject(Array(event.json.utf8).span.bytes, expandsKeys: false) }
    }

    @Test(
        "mistakes in the configuration are named",
        arguments: [
            ("encoding: klingon", "encoding", "\"klingon\" is not known"),
            ("multiline: {pattern: '('}", "multiline.pattern", "no regular expression"),
            ("multiline: {match: after}", "multiline.pattern", "missing"),
            ("multiline: {type: count}", "multiline.count_lines", "missing"),
            ("multiline: {type: cnt}", "multiline.type", "cnt"),
            ("json: {}\nmultiline: {type: java}", "json.message_key", "missing"),
            ("json: {target: log}", "json.target", "sets itself"),
            ("include_lines: ['[']", "include_lines", "no regular expression"),
            ("container: {format: podman}", "container.format", "podman"),
            ("line_terminator: lf", "line_terminator", "lf"),
        ]
    )
    func mistakes(_ configuration: String, path: String, text: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.rules(configuration) }
        #expect(error?.description.contains(path) == true, "\(error.map(\.description) ?? "")")
        #expect(error?.description.contains(text) == true, "\(error.map(\.description) ?? "")")
    }
}

/// Repeatable random numbers.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
