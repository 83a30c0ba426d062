import Common
import Testing

@testable import Ingest

@Suite("Condition")
struct ConditionTests {
    private static let json =
        #"{"a":"x","n":200,"s":"0404","f":1.5,"e":"","t":true,"no":false,"z":null,"l":["p","q",7],"o":{},"em":[],"#
        + #""agent":"Googlebot/2.1","url":{"path":"/api/v1"},"tags":["beta","_failed"],"nan":"nan","u":"ünï"}"#

    private func holds(_ text: String) throws -> Bool {
        let record = Record()
        let bytes = Array(Self.json.utf8)
        try record.load(bytes.span.bytes)
        let condition = try Condition(text)
        return condition.holds(for: record, ConditionScratch([condition]))
    }

    @Test(
        "is true of fields",
        arguments: [
            #"a == "x""#, "a == 'x'", "n == 200", #"n == "200""#, "n >= 200 and n < 201", "s == 404", "f > 1",
            "t",
            "t == true", "not no", "no == false", "not e", "not missing", "not z", "z == null",
            "missing == null",
            "a != null", "missing != 'x'", "not missing == 'x'", "not o", "not em", "n", "l == 'q'", "l == 7",
            "l != 'z'",
            "'q' in l", "7 in l", "not 'z' in l", "'z' not in l", "a in ['w', 'x']", "n in [200, 201]",
            "a not in ['w']",
            "'bot' in agent", "'beta' in tags", "tags in ['beta']", #"agent =~ "bot""#, "agent =~ /^Google/",
            #"agent !~ /^\d/"#, #"url.path =~ /^\/api\//"#, #"[url][path] == "/api/v1""#,
            "[tags][0] == 'beta'",
            "tags.1 == '_failed'", "l =~ /^q$/", "missing !~ /x/", "a == 'x' or b == 'y' and c == 'z'",
            "(a == 'y' or a == 'x') and t", "a=='x'&&!(a=='y')", "not not t", "a < 'y'", "'a' < 'b'", "true",
            "1 == 1.0",
            "u == 'ünï'", "-1 < n", "nan == 'nan'",
            "if == null", "a-b == null",
        ]
    )
    func isTrue(_ text: String) throws { #expect(try holds(text)) }

    @Test(
        "is false of fields",
        arguments: [
            "a == 'y'", "a != 'x'", "n == 201", "n > 200", "n == 'abc'", "a == 1", "a > 1", "missing == 'x'",
            "missing > 1",
            "missing < 1", "missing =~ /./", "o == 'x'", "no", "e", "z", "z != null", "missing in ['x']",
            "'x' in missing",
            "'q' not in l", "n in ['a']", "agent =~ /BOT/", "a == 'y' or t and no", "not (a == 'x' or no)",
            "false", "0",
            "null", "nan > 5", "nan < 5", "nan == 5", "'x' == 1", "o.x == 1", "a.b == 'x'", "l > 7 and l < 7",
        ]
    )
    func isFalse(_ text: String) throws { #expect(try !holds(text)) }

    @Test(
        "says what is wrong and at which character",
        arguments: [
            ("", 1, "expected a field or a value, found the end"), ("a ==", 5, "found the end"),
            ("a = 1", 3, "write == or =~"), ("a & b", 3, "write and"), ("(a", 3, "expected )"),
            ("a b", 3, #"expected and, or, or the end, found "b""#), ("a == 'x", 6, "the ' is not closed"),
            ("a =~ /(/", 6, "does not compile"), ("a =~ b", 6, "expected a pattern"),
            ("a in [1, 2", 11, "expected ]"),
            ("a not b", 7, "expected in behind not"), ("1x == 1", 2, "expected and"),
            ("1-2 == 1", 1, "expected a number"),
            ("a and", 6, "found the end"), ("a..b == 1", 1, "expected the name of a field"),
            ("$a == 1", 1, "is not understood"),
            (String(repeating: "(", count: 100) + "a", 64, "nested too deeply"),
            (String(repeating: "not ", count: 100) + "a", 253, "nested too deeply"),
            (String(repeating: "a", count: 9000), 8192, "at most 8192 characters"),
        ]
    )
    func refuses(_ text: String, column: Int, reason: String) throws {
        let error = try #require(throws: ConditionError.self) { try Condition(text) }
        #expect(error.column == column)
        #expect(error.reason.contains(reason), "\(error.reason)")
    }

    @Test("a pattern that backtracks without end is false, soon")
    func catastrophe() throws {
        let condition = try Condition(#"a =~ /^(a+)+$/"#)
        let record = Record()
        let bytes = Array(#"{"a":"\#(String(repeating: "a", count: 60_000))!"}"#.utf8)
        try record.load(bytes.span.bytes)
        let began = Clock.monotonic
        #expect(!condition.holds(for: record, ConditionScratch([condition])))
        #expect(Clock.monotonic - began < 5_000_000_000)
    }
}
