import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Record")
struct RecordTests {
    private func load(_ json: String) throws -> Record {
        let record = Record()
        let bytes = Array(json.utf8)
        try record.load(bytes.span.bytes)
        return record
    }

    private func path(_ text: String) throws -> FieldPath { try #require(FieldPath(text)) }

    @Test(
        "writes what it read",
        arguments: [
            "{}",
            #"{"a":1.50,"b":-0,"c":"ü\n\"\\","d":[1,[],{},null,true,false,"x"],"e":{"f":{"g":[{"h":1e400}]}}}"#,
            #"{"":{"":""}}"#, #"{"a":1,"a":2}"#,
        ]
    )
    func roundTrip(_ json: String) throws { #expect(try load(json).json == json) }

    @Test("keeps @metadata for the pipeline alone")
    func metadata() throws {
        let record = try load(#"{"@metadata":{"_id":"7"},"a":{"@metadata":1}}"#)
        #expect(record.json == #"{"a":{"@metadata":1}}"#)
        #expect(record.find(try path("@metadata._id")).map(record.string) == "7")
    }

    @Test("refuses what is no object", arguments: ["", "[]", "1", "{", "{}x", #"{"a":}"#])
    func refuses(_ json: String) { #expect(throws: JSONError.self) { try load(json) } }

    @Test("sets fields wherever they are")
    func sets() throws {
        let record = try load(#"{"a":{"b":1},"l":["x","y"],"n":null}"#)
        try record.set(path("a.b"), text: "two")
        try record.set(path("a.c.d"), integer: -3)
        try record.set(path("l.1"), double: 0.5)
        try record.set(path("n.m"), bool: true)
        try record.set(path("inf"), double: .infinity)
        try record.set(path("t"), time: CalendarTime(seconds: 0))
        try record.append(path("a.b"), text: "three")
        try record.append(path("new"), text: "one")
        #expect(
            record.json
                == #"{"a":{"b":["two","three"],"c":{"d":-3}},"l":["x",0.5],"n":{"m":true},"inf":null,"#
                + #""t":"1970-01-01T00:00:00.000Z","new":["one"]}"#
        )
    }

    @Test(
        "a field that cannot be set leaves the event as it was",
        arguments: ["a.x", "l.x", "l.9", "a.b.c.d"]
    )
    func belowScalar(_ name: String) throws {
        let json = #"{"a":"text","l":["x"]}"#
        let record = try load(json)
        #expect(throws: FilterFailure.self) { try record.set(path(name), text: "v") }
        #expect(throws: FilterFailure.self) { try record.append(path(name), text: "v") }
        let other = try path(name.hasPrefix("l") ? "a" : "l")
        #expect(throws: FilterFailure.self) { try record.move(other, to: path(name)) }
        #expect(record.json == json)
    }

    @Test("text that is no JSON leaves the field as it was")
    func badJSON() throws {
        let record = try load(#"{"a":{"b":1}}"#)
        let bytes = Array(#"{"x":[1,2}"#.utf8)
        #expect(throws: FilterFailure.self) {
            try record.set(path("a"), json: bytes.span.bytes, 0..<bytes.count)
        }
        #expect(throws: FilterFailure.self) {
            try record.set(path("new"), json: bytes.span.bytes, 0..<bytes.count)
        }
        #expect(record.json == #"{"a":{"b":1}}"#)
    }

    @Test(
        "moves fields",
        arguments: [
            ("a", "b", #"{"l":["x","y"],"o":{"p":{"q":1}},"b":"v"}"#),
            ("a", "a.b", #"{"a":{"b":"v"},"l":["x","y"],"o":{"p":{"q":1}}}"#),
            ("o.p", "o", #"{"a":"v","l":["x","y"],"o":{"q":1}}"#),
            ("o", "o.p", #"{"a":"v","l":["x","y"],"o":{"p":{"p":{"q":1}}}}"#),
            ("l.0", "l.1", #"{"a":"v","l":["x"],"o":{"p":{"q":1}}}"#),
            ("l.0", "l.0.z", #"{"a":"v","l":[{"z":"x"},"y"],"o":{"p":{"q":1}}}"#),
            ("nothing", "b", #"{"a":"v","l":["x","y"],"o":{"p":{"q":1}}}"#),
            ("a", "a", #"{"a":"v","l":["x","y"],"o":{"p":{"q":1}}}"#),
        ]
    )
    func moves(_ source: String, target: String, expected: String) throws {
        let record = try load(#"{"a":"v","l":["x","y"],"o":{"p":{"q":1}}}"#)
        try record.move(path(source), to: path(target))
        #expect(record.json == expected)
    }

    @Test("copies below itself, and into lists")
    func copies() throws {
        let record = try load(#"{"a":{"b":[1]}}"#)
        try record.set(path("a.c"), copyOf: #require(record.find(path("a"))))
        #expect(record.json == #"{"a":{"b":[1],"c":{"b":[1]}}}"#)
    }

    @Test("removes fields, elements and nothing")
    func removes() throws {
        let record = try load(#"{"a":{"b":1,"c":2},"l":["x","y","z"]}"#)
        let (c, z) = (try path("a.c"), try path("l.2"))
        #expect(record.remove(c) && record.remove(z))
        let (x, seventh) = (try path("a.x.y"), try path("l.7"))
        #expect(!record.remove(x) && !record.remove(seventh))
        try record.set(path("a.d"), text: "e")
        try record.append(path("l"), text: "w")
        record.removeElements(of: try #require(record.find(path("l")))) { record.string($0) == "x" }
        #expect(record.json == #"{"a":{"b":1,"d":"e"},"l":["y","w"]}"#)
    }

    @Test("joins another record")
    func joins() throws {
        let record = try load(#"{"a":{"b":1,"c":[1]},"d":2,"e":{"f":1}}"#)
        try record.merge(self.load(#"{"a":{"b":"x","c":[2],"n":{"m":null}},"d":{"k":1},"e":3,"é":"ü"}"#))
        #expect(record.json == #"{"a":{"b":"x","c":[2],"n":{"m":null}},"d":{"k":1},"e":3,"é":"ü"}"#)
    }

    @Test("an event keeps its bounds in values and bytes")
    func bounds() throws {
        let many = "[" + Array(repeating: "1", count: 200_000).joined(separator: ",") + "]"
        #expect(throws: JSONError.self) { try load(#"{"a":\#(many)}"#) }
        let half = try load(#"{"a":[\#(Array(repeating: "1", count: 60_000).joined(separator: ","))]}"#)
        #expect(throws: FilterFailure.self) {
            try half.set(path("b"), copyOf: #require(half.find(path("a"))))
        }
        #expect(throws: FilterFailure.self) { try half.merge(half.copy()) }
        let record = Record()
        let list = try path("l")
        for _ in 0..<Record.maxValues / 2 { try record.append(list, text: "x") }
        #expect(throws: FilterFailure.self) {
            for _ in 0..<Record.maxValues { try record.append(list, text: "x") }
        }
        let long = try self.load(#"{"a":"\#(String(repeating: "x", count: 1 << 20))"}"#)
        let (a, b) = (try path("a"), try path("b"))
        let text = long.string(try #require(long.find(a)))
        #expect(throws: FilterFailure.self) { for _ in 0..<100 { try long.set(b, text: text) } }
        #expect(long.byteCount <= Record.maxWrittenBytes + 3 << 20)
    }

    @Test("refuses what is nested too deeply")
    func depth() throws {
        let deep = String(repeating: #"{"a":"#, count: 100) + "1" + String(repeating: "}", count: 100)
        #expect(throws: JSONError.self) { try load(deep) }
    }

    @Test("tags once, and takes the list away with the last tag")
    func tags() throws {
        let record = try load(#"{"tags":"one"}"#)
        try record.tag("two")
        try record.tag("two")
        #expect(record.json == #"{"tags":["one","two"]}"#)
        record.untag("one")
        record.untag("two")
        #expect(record.json == "{}")
    }
}

extension Record {
    fileprivate var json: String {
        var text = ByteBuffer()
        write(into: &text)
        return text.text
    }
}
