import Foundation
import Testing

@testable import Common
@testable import Ingest

/// Nothing that stands in a line stops a pipeline, is lost, or makes a document that is no JSON.
@Suite("Ready pipelines, hostile lines")
struct FormatRobustnessTests {
    private static let seeds = [
        "2026/11/22 10:13:41 [error] 1#2: *3 connect() failed (111: x), client: 192.0.2.1, server: s, request: \"GET / HTTP/1.1\"",
        "[2026-11-22 10:14:43 +0000] [21704] [INFO] Booting worker",
        "[2026-11-22 10:14:47,121] ERROR in app: it\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'k'",
        "127.0.0.1 - - [22/Nov/2026 10:14:47] \"\u{1B}[35mGET /boom HTTP/1.1\u{1B}[0m\" 500 -",
        "<165>1 2026-11-22T10:15:41.003Z web-1 shop 4711 ID47 [o ip=\"1\"] text",
        "<34>Nov 22 10:15:41 web-1 sshd[4711]: text",
        #"{"a":{"b":"\u0041"},"log.level":"INFO","exc_info":"x","host":"h","status":1,"request":"GET / HTTP/1.1"}"#,
        #"127.0.0.1 - - [22/Nov/2026:10:14:47 +0000] "GET / HTTP/1.1" 200 2 "https://r/?a=\"b\"" "curl/7""#,
        #"1.2.3.4 - - [07/Feb/2020:11:48:51 +0000] "GET / HTTP/1.1" 200 5 "-" "-" 8 0.001 [d] [] 10.0.0.1:80 5 0.0 200 id"#,
    ]

    @Test("every line becomes one document that has it", arguments: FormatName.allCases)
    func anything(_ format: FormatName) throws {
        let harness = try PipelineHarness(format) {
            $0.urlParameters = ["a"]
            $0.clientFingerprintKey = "0123456789abcdef"
        }
        var random = Generator(state: 11)
        for round in 0..<600 {
            var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
            for _ in 0..<Int(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(random.next() % 128)
                case 1: bytes.removeSubrange(place..<min(place + 1 + Int(random.next() % 9), bytes.count))
                case 2: bytes.insert(contentsOf: bytes.suffix(Int(random.next() % 30)), at: place)
                default: bytes = Array(bytes.prefix(place + 1))
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            let line = String(decoding: bytes, as: UTF8.self)
            let document = try harness.document(line)
            let kept = format == .plain ? document.string("message") : document.string("event.original")
            #expect(kept == line)
            #expect(document.string("@timestamp") != nil)
            #expect(Self.hasDoubledKeys(document.text) == false, "\(document.text)")
        }
    }

    @Test("a huge line costs no more than its length", arguments: FormatName.allCases)
    func huge(_ format: FormatName) throws {
        let harness = try PipelineHarness(format)
        for part in [
            "a", "[", "\"", "\\", " - ", ", client: 1.1.1.1", "Traceback (most recent call last):\n",
            "{\"a\":", "\u{1B}[", "%(", "=\"]",
        ] {
            let line = String(repeating: part, count: 200_000 / part.utf8.count)
            let document = try harness.document(line)
            #expect(
                (format == .plain ? document.string("message") : document.string("event.original")) == line
            )
        }
    }

    /// Elasticsearch refuses a document in which an object has a key twice.
    private static func hasDoubledKeys(_ json: String) -> Bool {
        let bytes = Array(json.utf8)
        var reader = JSONReader()
        return (try? doubled(bytes.span.bytes, &reader)) ?? true
    }

    private static func doubled(_ bytes: RawSpan, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        var isFirst = true
        switch try reader.kind(bytes) {
        case .object:
            var keys: Set<String> = []
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                guard keys.insert(bytes.text(key.range)).inserted else { return true }
                if try doubled(bytes, &reader) { return true }
            }
        case .array:
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) {
                if try doubled(bytes, &reader) { return true }
            }
        default: _ = try reader.value(bytes)
        }
        return false
    }

    /// Numbers that are the same in every run.
    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}
