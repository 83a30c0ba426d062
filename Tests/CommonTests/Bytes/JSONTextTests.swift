import Common
import Testing

@Suite("JSON text")
struct JSONTextTests {
    @Test(
        "escapes and repairs",
        arguments: [
            ("plain text", Array("GET / HTTP/1.1".utf8), "GET / HTTP/1.1"),
            ("quotes and backslashes", Array(#"a "b" \c"#.utf8), #"a \"b\" \\c"#),
            ("quote as ninth byte", Array(#"12345678""#.utf8), #"12345678\""#),
            ("named escapes", [8, 9, 10, 12, 13], #"\b\t\n\f\r"#),
            ("other control bytes", [0, 27, 31, 127], "\\u0000\\u001b\\u001f\u{7F}"),
            ("well-formed UTF-8", Array("é中😀".utf8), "é中😀"),
            ("one replacement per bad byte", [0x61, 0xFF, 0xFE, 0x62], "a\u{FFFD}\u{FFFD}b"),
            ("cut sequence", [0xE4, 0xB8], "\u{FFFD}\u{FFFD}"),
            ("overlong slash", [0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
            ("surrogate", [0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("above U+10FFFF", [0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] as [(String, [UInt8], String)]
    )
    func escapes(_ name: String, bytes: [UInt8], expected: String) {
        // At every alignment: the writer looks at eight bytes at a time.
        for shift in 0..<9 {
            let padding = [UInt8](repeating: UInt8(ascii: "x"), count: shift)
            var buffer = ByteBuffer()
            let input = padding + bytes
            buffer.append(jsonEscaped: input.span.bytes, 0..<input.count)
            #expect(buffer.text == String(repeating: "x", count: shift) + expected)
        }
    }

    @Test("escapes a byte wherever it stands in words of eight")
    func escapesAnywhere() {
        let cases: [(UInt8, [UInt8])] = [
            (0x22, [0x5C, 0x22]), (0x5C, [0x5C, 0x5C]), (0x1F, Array("\\u001f".utf8)),
            (0x80, [0xEF, 0xBF, 0xBD]),
            (0x7F, [0x7F]),
        ]
        var wrong: [[UInt8]] = []
        for length in 1...20 {
            for position in 0..<length {
                for (byte, escaped) in cases {
                    var text = [UInt8](repeating: 0x61, count: length)
                    var expected = text
                    text[position] = byte
                    expected.replaceSubrange(position...position, with: escaped)
                    var buffer = ByteBuffer()
                    buffer.append(jsonEscaped: text.span.bytes, 0..<length)
                    if buffer.array != expected { wrong.append(text) }
                }
            }
        }
        #expect(wrong == [])
    }

    @Test(
        "reads",
        arguments: [
            (#"{"a":[1,-0.5e+3,true,false,null,"x"],"b":{}}"#, true),
            (" [ ] ", true),
            (#""\u00e9\ud83d\ude00\/""#, true),
            ("0", true),
            ("01", false),
            ("1.", false),
            ("-", false),
            ("1e", false),
            ("tru", false),
            ("[1,]", false),
            ("[1 2]", false),
            (#"{"a"}"#, false),
            (#"{"a":1,}"#, false),
            (#"{a:1}"#, false),
            (#""\x""#, false),
            (#""\u12g4""#, false),
            ("\"a\nb\"", false),
            ("\"open", false),
            ("{}{}", false),
            ("", false),
        ] as [(String, Bool)]
    )
    func reads(_ text: String, isValid: Bool) {
        #expect(Self.accepts(Array(text.utf8)) == isValid)
        guard isValid, text.first == "{" || text.first == "[" || text.first == "\"" else { return }
        for length in 0..<text.utf8.count {
            #expect(!Self.accepts(Array(text.utf8.prefix(length))), "cut at \(length)")
        }
    }

    @Test("refuses ill-formed UTF-8 and deep nesting")
    func refusesHostile() {
        #expect(!Self.accepts([0x22, 0xFF, 0x22]))
        #expect(!Self.accepts([0x22, 0xED, 0xA0, 0x80, 0x22]))
        #expect(
            Self.accepts(
                Array((String(repeating: "[", count: 63) + String(repeating: "]", count: 63)).utf8)
            )
        )
        #expect(!Self.accepts(Array(repeating: UInt8(ascii: "["), count: 100_000)))
    }

    @Test(
        "resolves escapes",
        arguments: [
            (#""plain""#, "plain"),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u00e9\u4e2d""#, "é中"),
            (#""\ud83d\ude00!""#, "😀!"),
            (#""\ud83d""#, "\u{FFFD}"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"),
            (#""\ude00""#, "\u{FFFD}"),
        ] as [(String, String)]
    )
    func resolves(_ json: String, expected: String) throws {
        let bytes = Array(json.utf8)
        var reader = JSONReader()
        let text = try reader.string(bytes.span.bytes)
        var buffer = ByteBuffer()
        buffer.append(unescaped: text, of: bytes.span.bytes)
        #expect(buffer.text == expected)
    }

    @Test("walks an object")
    func walks() throws {
        let bytes = Array(#"{"a": 1, "b": {"c": "x"}, "d": [10, 20]}"#.utf8)
        let span = bytes.span.bytes
        var reader = JSONReader()
        var keys: [String] = []
        var values: [String] = []
        var isFirst = true
        try reader.beginObject(span)
        while let key = try reader.nextKey(span, isFirst: &isFirst) {
            keys.append(span.text(key.range))
            values.append(span.text(try reader.value(span)))
        }
        try reader.end(span)
        #expect(keys == ["a", "b", "d"])
        #expect(values == ["1", #"{"c": "x"}"#, "[10, 20]"])
    }

    private static func accepts(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader()
        do {
            _ = try reader.value(bytes.span.bytes)
            try reader.end(bytes.span.bytes)
            return true
        } catch {
            return false
        }
    }
}
