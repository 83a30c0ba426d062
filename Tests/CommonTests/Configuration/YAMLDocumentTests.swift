import Common
import Testing

@Suite("YAML document")
struct YAMLDocumentTests {
    private func json(_ text: String) throws -> String {
        let reader = try ConfigurationReader.parse(Array("v: \(text)".utf8), source: "t.yml")
        return try String(decoding: #require(reader.json("v")), as: UTF8.self)
    }

    @Test(
        "types values by the core schema",
        arguments: [
            ("12", "12"), ("+12", "12"), ("-0", "0"), ("-012", "-12"), ("0x1F", "31"), ("0o17", "15"),
            ("0x", "\"0x\""),
            ("0x-1", "\"0x-1\""),
            ("123456789012345678901234567890", "123456789012345678901234567890"), ("1.50", "1.50"),
            (".5", "0.5"), ("5.", "5"),
            ("-1e3", "-1e3"), ("1E+3", "1e3"), ("1e", "\"1e\""), ("00.5", "0.5"), (".", "\".\""),
            ("1.2.3", "\"1.2.3\""), (".inf", "\".inf\""), (".nan", "\".nan\""),
            ("true", "true"), ("False", "false"), ("yes", "\"yes\""), ("\"true\"", "\"true\""),
            ("'12'", "\"12\""), ("!!str 12", "\"12\""), ("! 12", "\"12\""),
            ("[a, {b: [1, ~]}]", "[\"a\",{\"b\":[1,null]}]"),
            ("{}", "{}"), ("[]", "[]"), ("|\n  two\n  lines\n", "\"two\\nlines\\n\""),
            ("\"\\u00e9\\t\"", "\"é\\t\""),
            ("[&x {a: 1}, *x]", "[{\"a\":1},{\"a\":1}]"),
            ("[&x {a: 1, b: 2}, {<<: *x, a: 3}]", "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":2}]"),
            ("[&x {a: 1}, &y {b: 2}, {<<: [*x, *y]}]", "[{\"a\":1},{\"b\":2},{\"a\":1,\"b\":2}]"),
            ("{\"a.b\": 1}", "{\"a.b\":1}"), ("{a.b: 1, a: {c: 2}}", "{\"a\":{\"b\":1,\"c\":2}}"),
        ] as [(String, String)]
    )
    func typed(text: String, expected: String) throws {
        #expect(try json(text) == expected)
    }

    @Test(
        "refuses with line and reason",
        arguments: [
            (
                "a: [${X}]",
                "t.yml:1: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence; between brackets a reference wants quotes: \"${NAME}\""
            ),
            ("a: -", "t.yml:1: not valid YAML: block sequence entries are not allowed in this context"),
            (
                "a: 1\nb: 2\na: 3",
                "t.yml:3: a: the key appears twice in this section, first in line 1; keep one of them"
            ),
            ("a: 1\n---\nb: 2", "t.yml:2: a second document starts here; one file is one document"),
            ("a: *x", "t.yml:1: alias *x has no anchor &x before it"),
            ("a: &x [*x]", "t.yml:1: alias *x has no anchor &x before it"),
            (
                "a:\n  - b\n c",
                "t.yml:3: not valid YAML: did not find expected key while parsing a block mapping"
            ),
            (
                "a: [1, 2",
                "t.yml:1: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"
            ),
            (
                "a: 'x",
                "t.yml:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar"
            ),
            (
                "a: 1\n\tb: 2",
                "t.yml:2: not valid YAML: found a tab character that violates indentation while scanning a plain scalar"
            ),
            ("a: 1\nb: \u{1}", "t.yml:2: not valid YAML: control characters are not allowed"),
            ("a: 1\n[b]: 2", "t.yml:2: a key must be plain text"),
            (
                "a: !ruby/object:X 1",
                "t.yml:1: the tag !ruby/object:X does not belong into a configuration; remove it"
            ),
            ("a: {<<: 1}", "t.yml:1: << wants a section or an alias of one"),
            ("- a\n- b", "t.yml:1: expected key: value lines, found a list"),
            ("hello", "t.yml:1: expected key: value lines, found \"hello\""),
            (
                "a: " + String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
                "t.yml:1: nested deeper than 64 levels"
            ),
        ] as [(String, String)]
    )
    func refused(text: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.parse(Array(text.utf8), source: "t.yml").finish()
        }
        #expect(error?.description == message)
    }

    @Test(
        "an empty document is an empty configuration",
        arguments: ["", "\n", "# nothing\n", "---\n", "~", "---\n...\n"]
    )
    func empty(text: String) throws {
        try ConfigurationReader.parse(Array(text.utf8), source: "t.yml").finish()
    }

    @Test("bytes that are not UTF-8 name their line")
    func encoding() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.parse(Array("a: 1\nb: ".utf8) + [0xFF, 0xFE], source: "t.yml")
        }
        #expect(error?.description == "t.yml:2: not valid UTF-8; save the file as UTF-8")
    }

    @Test("a document that repeats itself exponentially is refused quickly")
    func billionLaughs() throws {
        var text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let again = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            text += "l\(level): &l\(level) [\(again)]\n"
        }
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.parse(Array(text.utf8), source: "t.yml")
        }
        let message = try #require(error?.description)
        #expect(message.hasSuffix(": more than 100000 values, aliases counted as what they repeat"))
    }

    @Test("aliases cannot nest deeper than the limit")
    func deepAliases() throws {
        var text = "l0: &l0 [x]\n"
        for level in 1...70 { text += "l\(level): &l\(level) [*l\(level - 1)]\n" }
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.parse(Array(text.utf8), source: "t.yml")
        }
        #expect(error?.description == "t.yml:63: nested deeper than 64 levels")
    }

    @Test("a file of megabytes is refused")
    func large() throws {
        let bytes = [UInt8](repeating: UInt8(ascii: " "), count: YAMLDocument.maxBytes + 1)
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.parse(bytes, source: "t.yml")
        }
        #expect(error?.description == "t.yml: larger than 1048576 bytes; this is not a configuration file")
    }

    @Test("garbage ends in values or an error, never in a crash")
    func garbage() throws {
        let pieces = [
            "a", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&x ", "*x", "\"", "'", "|", ">", "#", "!", "%",
            "@", "`", ", ",
            "? ", "---\n", "...\n", "\t", "\u{0}", "é", "${", "}", "<<: ", "a.b", "..", "\u{FEFF}", "\r\n",
        ]
        var generator = SeededGenerator(seed: 7)
        var refused = 0
        for _ in 0..<3000 {
            let count = Int.random(in: 1...24, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            do {
                let reader = try ConfigurationReader.parse(
                    Array(text.utf8),
                    source: "t.yml",
                    overrides: ["x=\(text)", "a.0=1"]
                )
                _ = reader.section("a").strings("b")
                try reader.finish()
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }
}
