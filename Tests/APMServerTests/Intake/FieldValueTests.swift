import Common
import Testing

@testable import APMServer

@Suite("What field values say")
struct FieldValueTests {
    /// Gives `body` the value that stands in a line.
    private func read<R>(_ json: String, _ body: (FieldValue, RawSpan) -> R) throws -> R {
        let line = Array("{\"key\":\(json)}".utf8)
        var list = ListReader(FieldValue(.object, 0..<line.count))
        let member = list.nextMember(line.span.bytes)
        return body(try #require(member).value, line.span.bytes)
    }

    @Test(
        "integers",
        arguments: [
            ("0", 0), ("-1", -1), ("1496170422281000", 1_496_170_422_281_000),
            ("9223372036854775807", Int64.max),
            ("9223372036854775808", nil), ("1.5", nil), ("1e3", nil), ("\"8080\"", 8080), ("\"80a\"", nil),
            ("\"\"", nil), ("true", nil), ("null", nil), ("[1]", nil),
        ] as [(String, Int64?)]
    )
    func integers(json: String, expected: Int64?) throws {
        #expect(try read(json) { $0.integer($1) } == expected)
    }

    @Test(
        "milliseconds times 10^6 are exact and cut, not rounded",
        arguments: [
            ("0", 0), ("32.592981", 32_592_981), ("10.434000000000001", 10_434_000), ("0.0000019", 1),
            ("3.5642981", 3_564_298), ("-1.5", -1_500_000), ("1.5e2", 150_000_000), ("12e-7", 1),
            ("9223372036854.775807", Int64.max), ("9223372036854.775808", nil), ("1e20", nil), ("1e300", nil),
            ("\"1\"", nil), ("null", nil),
        ] as [(String, Int64?)]
    )
    func scaled(json: String, expected: Int64?) throws {
        #expect(try read(json) { $0.scaled($1, scale: 6) } == expected)
    }

    @Test(
        "doubles are the nearest ones",
        arguments: [
            "0", "-0.0", "1", "0.1", "-2.5", "3.141592653589793", "10.434000000000001", "1e3", "1E-3",
            "2.5e+10",
            "123456789012345", "1234567890123456789", "0.000000000000000000000000000001", "5e-324",
            "1.7976931348623157e308", "0.1234567890123456789", "100000000000000000000",
            "0.00000",
            "0.30000000000000004", "9007199254740993",
        ]
    )
    func doubles(json: String) throws {
        let expected = try #require(Double(json))
        #expect(try read(json) { $0.double($1) }?.bitPattern == expected.bitPattern)
    }

    @Test("only numbers are doubles", arguments: ["\"1\"", "true", "null", "[]"])
    func noDoubles(json: String) throws {
        #expect(try read(json) { $0.double($1) } == nil)
    }

    @Test(
        "times are microseconds or RFC 3339",
        arguments: [
            ("0", "1970-01-01T00:00:00.000Z"), ("1496170407154000", "2017-05-30T18:53:27.154Z"),
            ("\"2022-09-08T13:47:29.111-0800\"", "2022-09-08T21:47:29.111Z"), ("9223372036854775807", nil),
            ("\"2022-09-08\"", nil), ("1.5", nil), ("true", nil),
        ] as [(String, String?)]
    )
    func times(json: String, expected: String?) throws {
        #expect(try read(json) { $0.time($1) }?.iso8601 == expected)
    }

    @Test("strings compare by what they say")
    func equality() throws {
        #expect(try read(#""http""#) { $0.equals("http", $1) })
        #expect(try read(#""\u0068ttp""#) { $0.equals("http", $1) })
        #expect(try read(#""https""#) { !$0.equals("http", $1) })
        #expect(try read("1") { !$0.equals("1", $1) })
        let other = Array(#"{"key":"a\n"}"#.utf8)
        let value = FieldValue(.escapedString, 8..<11)
        #expect(try read(#""a\u000a""#) { $0.equals(value, other.span.bytes, $1) })
        #expect(try read(#""a""#) { !$0.equals(value, other.span.bytes, $1) })
        #expect(try read(#""a\\""#) { $0.string($1) } == "a\\")
        #expect(try read(#"{"a": 1}"#) { $0.string($1) } == #"{"a": 1}"#)
    }

    @Test("lists give their elements, objects their members")
    func lists() throws {
        let elements = try read(#"[1, "a\n" ,null,{"b":[2]}, [] ,true]"#) { value, line in
            var list = ListReader(value)
            var texts: [String] = []
            while let element = list.next(line) { texts.append("\(element.kind) \(element.string(line))") }
            return texts
        }
        #expect(
            elements == [
                "number 1", "escapedString a\n", "absent ", "object {\"b\":[2]}", "array []", "true true",
            ]
        )
        let keys = try read(#"{"a":1 , "b\t":null,"c":{}}"#) { value, line in
            var list = ListReader(value)
            var texts: [String] = []
            while let (key, value) = list.nextMember(line) {
                texts.append(key.string(line) + value.string(line))
            }
            return texts
        }
        #expect(keys == ["a1", "b\t", "c{}"])
        #expect(
            try read("1") {
                var list = ListReader($0); return list.next($1) == nil
            }
        )
    }
}
