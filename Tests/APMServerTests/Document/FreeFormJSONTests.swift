import Common
import Testing

@testable import APMServer

@Suite("Free-form JSON")
struct FreeFormJSONTests {
    @Test("keeps the first of many members of one name")
    func manyKeys() throws {
        let members = (0..<40).map { #""k\#($0)":\#($0)"# }
        let again = [0, 31, 32, 39].map { #""k\#($0)":-1"# }
        let event = DocumentRow.context(#""custom":{"o":{\#((members + again).joined(separator: ","))}}"#)
        try DocumentRow(
            name: "",
            event: event,
            expected: ["transaction.custom.o": "{\(members.joined(separator: ","))}"]
        ).check()
    }

    @Test(
        "leaves out what says nothing and keeps the rest",
        arguments: [
            (#"{"a":1,"b":"x","c":[true,false]}"#, #"{"a":1,"b":"x","c":[true,false]}"#),
            (#" { "a" : [ 1 , 2 ] , "b" : { "c" : "d" } } "#, #"{"a":[1,2],"b":{"c":"d"}}"#),
            (#"{"a":null,"b":{},"c":[],"d":0}"#, #"{"d":0}"#),
            (#"{"a":{"b":{"c":null}},"d":[[],{},[{}]],"e":""}"#, #"{"e":""}"#),
            (#"{"a":[null,1,null,2]}"#, #"{"a":[1,2]}"#),
            (#"{"a":{"b.c":"\"}{\\"}}"#, #"{"a":{"b.c":"\"}{\\"}}"#),
            (#"[{"a":1},null,"]"]"#, #"[{"a":1},"]"]"#),
            (#"{"ä":"€","\u00e4\n":"\ud83d\ude00"}"#, #"{"ä":"€","\u00e4\n":"\ud83d\ude00"}"#),
            (#"{"a":1,"a":2,"b":3}"#, #"{"a":1,"b":3}"#),
            (#"{"a":null,"a":2}"#, #"{"a":2}"#),
            ("{}", ""), ("[]", ""), (#"{"a":null}"#, ""), (#"[[{"a":[]}]]"#, ""),
        ]
    )
    func copies(_ json: String, expected: String) {
        #expect(copy(json) == (expected.isEmpty ? "{" : #"{"x":\#(expected)"#))
    }

    @Test(
        "writes numbers as a double holds them",
        arguments: [
            ("1", "1"), ("-0.5", "-0.5"), ("1.50", "1.50"), ("0", "0"),
            ("123456789012345", "123456789012345"),
            ("9007199254740993", "9007199254740992.0"),
            ("12345678901234567890", "1.2345678901234567e+19"),
            ("0.1234567890123456789", "0.12345678901234568"),
            ("6.520832e+06", "6520832"), ("1e3", "1000"), ("1E-3", "0.001"),
            ("1e400", "1.7976931348623157e+308"), ("-1e400", "-1.7976931348623157e+308"), ("1e-400", "0"),
        ]
    )
    func writesNumbers(_ number: String, expected: String) {
        #expect(copy("[\(number)]") == #"{"x":[\#(expected)]"#)
    }

    @Test(
        "makes keys of the outermost object searchable",
        arguments: [
            (#"{"a.b":1,"c*":2,"d\"e":3,"f\u002eg":4}"#, #"{"a_b":1,"c_":2,"d_e":3,"f_g":4}"#),
            (#"{"a":{"b.c":1},"\\.":2,"\n":3}"#, #"{"a":{"b.c":1},"\\_":2,"\n":3}"#),
            (#"{"a.b":1,"a_b":2}"#, #"{"a_b":1}"#),
        ]
    )
    func sanitizes(_ json: String, expected: String) {
        #expect(copy(json, sanitizesKeys: true) == #"{"x":\#(expected)"#)
    }

    @Test("stops at a depth that no checked line has")
    func stopsInTheDepth() {
        let deep = String(repeating: #"{"a":["#, count: 40) + "1" + String(repeating: "]}", count: 40)
        #expect(copy(deep) == "{")
        let checked = String(repeating: "[", count: 60) + "1" + String(repeating: "]", count: 60)
        #expect(copy(checked) == #"{"x":\#(checked)"#)
    }

    @Test("keeps the keys of large objects apart")
    func keepsLargeObjects() {
        let members = (0..<100).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
        #expect(copy("{\(members),\(members)}") == #"{"x":{\#(members)}"#)
    }

    private func copy(_ json: String, sanitizesKeys: Bool = false) -> String {
        let line = Array("[\(json)]".utf8)
        var value = FieldValue()
        value.start = 1
        value.end = UInt32(line.count - 1)
        value.kind = .object
        var buffer = ByteBuffer()
        buffer.append("{" as StaticString)
        line.withUnsafeBytes {
            buffer.freeForm(#""x":"#, value, $0.bytes, sanitizesKeys: sanitizesKeys)
        }
        return buffer.text
    }
}
