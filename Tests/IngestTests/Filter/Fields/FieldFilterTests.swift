import Testing

@testable import Ingest

@Suite("Filters of fields")
struct FieldFilterTests {
    @Test(
        "convert",
        arguments: [
            FilterRow(
                "- convert: {fields: {a: integer, b: integer, c: integer, d: integer, e: integer}}",
                #"{"a":"1,000","b":"3.9","c":true,"d":["-7","+8"," 9 "],"e":2.5}"#,
                #"{"a":1000,"b":3,"c":1,"d":[-7,8,9],"e":2}"#
            ),
            FilterRow(
                "- convert: {fields: {a: float, b: float, c: float, d: float_eu, e: integer_eu, f: float_eu}}",
                #"{"a":"0.121","b":"1e3","c":"1,234.5","d":"1.234,5","e":"1.234.567","f":1.5}"#,
                #"{"a":0.121,"b":1000,"c":1234.5,"d":1234.5,"e":1234567,"f":1.5}"#
            ),
            FilterRow(
                "- convert: {fields: {a: boolean, b: boolean, c: boolean, d: boolean, e: boolean}}",
                #"{"a":"yes","b":"F","c":1,"d":"","e":0.0}"#,
                #"{"a":true,"b":false,"c":true,"d":false,"e":false}"#
            ),
            FilterRow(
                "- convert: {fields: {a: string, b: string, c: string}}",
                #"{"a":1.50,"b":false,"c":[1,"x"]}"#,
                #"{"a":"1.50","b":"false","c":["1","x"]}"#
            ),
            FilterRow("- convert: {fields: {a: integer, b: float}}", #"{"a":null}"#, #"{"a":null}"#),
            // What cannot be converted stays, and the others are converted.
            FilterRow(
                "- convert: {fields: {a: integer, b: integer, c: boolean}}",
                #"{"a":"12x","b":"5","c":"maybe"}"#,
                #"{"a":"12x","b":5,"c":"maybe","tags":["_convertfailure"],"error":{"message":"a is no integer"}}"#
            ),
        ]
    )
    func convert(_ row: FilterRow) throws { try row.check() }

    @Test(
        "values that are no numbers",
        arguments: [
            "\"\"", "\"abc\"", "\"0x10\"", "\"nan\"", "\"inf\"", "\"1e400\"", "\"1 2\"", "\"--1\"", "{}",
            "[{}]",
            "\"9223372036854775808\"", "\"1-1\"", "\"\u{0661}\"",
        ]
    )
    func noNumbers(_ value: String) throws {
        let result = try FilterHarness("- convert: {fields: {a: integer}}").run(#"{"a":\#(value)}"#)
        #expect(result[0].hasPrefix(#"{"a":\#(value),"tags":["_convertfailure"]"#), "\(result)")
    }

    @Test("the largest integers stay exact")
    func largest() throws {
        try FilterRow(
            "- convert: {fields: {a: integer, b: integer}}",
            #"{"a":"9223372036854775807","b":"-9223372036854775808"}"#,
            #"{"a":9223372036854775807,"b":-9223372036854775808}"#
        ).check()
    }

    @Test(
        "rename and copy",
        arguments: [
            FilterRow(
                "- rename: {fields: {old: new.name, gone: x}}",
                #"{"old":"x","k":1}"#,
                #"{"k":1,"new":{"name":"x"}}"#
            ),
            FilterRow("- rename: {fields: {a: b, b: c}}", #"{"a":1,"b":2}"#, #"{"c":1}"#),
            FilterRow("- rename: {fields: {a: a.b}}", #"{"a":{"x":1}}"#, #"{"a":{"b":{"x":1}}}"#),
            FilterRow("- rename: {fields: {\"[a.b]\": a.b}}", #"{"a.b":1,"a":{}}"#, #"{"a":{"b":1}}"#),
            FilterRow(
                "- rename: {fields: {a: b.c}}",
                #"{"a":1,"b":"text"}"#,
                #"{"a":1,"b":"text","tags":["_fieldfailure"],"error":{"message":"b.c cannot be set: what it would stand in is no object"}}"#
            ),
            FilterRow(
                "- copy: {fields: {a: b, none: c}}",
                #"{"a":{"x":[1]}}"#,
                #"{"a":{"x":[1]},"b":{"x":[1]}}"#
            ),
            FilterRow("- copy: {fields: {a.x: a}}", #"{"a":{"x":[1]}}"#, #"{"a":[1]}"#),
        ]
    )
    func rename(_ row: FilterRow) throws { try row.check() }

    @Test("copies do not grow without end")
    func growth() throws {
        let doubling = (0..<40).map { "- copy: {fields: {a: b.x\($0)}}\n- copy: {fields: {b: a.y\($0)}}" }
        let result = try FilterHarness(doubling.joined(separator: "\n")).run(#"{"a":{"k":1}}"#)
        #expect(result.count == 1 && result[0].contains("_fieldfailure") && result[0].utf8.count < 10 << 20)
    }

    @Test(
        "lowercase, uppercase and trim",
        arguments: [
            FilterRow(
                "- lowercase: {fields: [a, l, n, none]}",
                #"{"a":"GÉT Ö","l":["A",1,null],"n":5}"#,
                #"{"a":"gét ö","l":["a",1,null],"n":5}"#
            ),
            FilterRow("- uppercase: {fields: a}", #"{"a":"straße abc"}"#, #"{"a":"STRASSE ABC"}"#),
            FilterRow(
                "- trim: {fields: [a, b, c]}",
                #"{"a":" \t x y\r\n","b":"   ","c":["z "]}"#,
                #"{"a":"x y","b":"","c":["z"]}"#
            ),
        ]
    )
    func cases(_ row: FilterRow) throws { try row.check() }

    @Test(
        "gsub",
        arguments: [
            FilterRow(
                ##"- gsub: {field: a, pattern: '\d+', replacement: "#"}"##,
                #"{"a":"a1b22c"}"#,
                ##"{"a":"a#b#c"}"##
            ),
            FilterRow(
                #"- gsub: {field: [a, b], pattern: '^a', replacement: 'x'}"#,
                #"{"a":"aaa","b":["ab","b",1]}"#,
                #"{"a":"xaa","b":["xb","b",1]}"#
            ),
            FilterRow(
                #"- gsub: {field: a, pattern: '(?<first>\w+) (\w+)', replacement: '\2 \k<first> \\ \0 \q'}"#,
                #"{"a":"one two"}"#,
                #"{"a":"two one \\ one two \\q"}"#
            ),
            FilterRow(
                #"- gsub: {field: a, pattern: 'x*', replacement: '-'}"#,
                #"{"a":"äxb"}"#,
                #"{"a":"-ä--b-"}"#
            ),
            FilterRow(
                #"- gsub: {field: a, pattern: '(?<=a)b', replacement: ''}"#,
                #"{"a":"abab b"}"#,
                #"{"a":"aa b"}"#
            ),
            FilterRow(
                #"- gsub: {field: a, pattern: '(x)|y', replacement: '[\1]'}"#,
                #"{"a":"xy"}"#,
                #"{"a":"[x][]"}"#
            ),
            FilterRow(#"- gsub: {field: a, pattern: 'q'}"#, #"{"a":5}"#, #"{"a":5}"#),
        ]
    )
    func gsub(_ row: FilterRow) throws { try row.check() }

    @Test("gsub is bounded in time and size")
    func gsubBounds() throws {
        let text = String(repeating: "a", count: 60_000)
        let slow = try FilterHarness(#"- gsub: {field: a, pattern: '(a+)+$', replacement: 'x'}"#)
        #expect(try slow.run(#"{"a":"\#(text)!"}"#)[0].contains("_regexfailure"))
        let growing = try FilterHarness(
            #"- gsub: {field: a, pattern: 'a', replacement: '\#(String(repeating: "y", count: 100))'}"#
        )
        #expect(try growing.run(#"{"a":"\#(text)"}"#)[0].contains("would become longer"))
        #expect(try growing.run(#"{"a":"\#(text + text)"}"#)[0].contains("has 120000 bytes"))
    }

    @Test(
        "split and join",
        arguments: [
            FilterRow("- split: {field: a}", #"{"a":"x,,y,"}"#, #"{"a":["x","","y"]}"#),
            FilterRow(
                "- split: {field: a, separator: \", \", target: b.c}",
                #"{"a":"x, y,z"}"#,
                #"{"a":"x, y,z","b":{"c":["x","y,z"]}}"#
            ),
            FilterRow("- split: {field: a}", #"{"a":""}"#, #"{"a":[]}"#),
            FilterRow("- split: {field: a}", #"{"a":["x,y"]}"#, #"{"a":["x,y"]}"#),
            FilterRow("- split: {field: a, separator: é}", #"{"a":"1é2"}"#, #"{"a":["1","2"]}"#),
            FilterRow(
                "- join: {field: a}",
                #"{"a":["x",1,true,null,{"k":[2]}]}"#,
                #"{"a":"x,1,true,,{\"k\":[2]}"}"#
            ),
            FilterRow(
                "- join: {field: a, separator: \"\", target: b}",
                #"{"a":["x","y"]}"#,
                #"{"a":["x","y"],"b":"xy"}"#
            ),
            FilterRow("- join: {field: a}", #"{"a":"x"}"#, #"{"a":"x"}"#),
        ]
    )
    func splitAndJoin(_ row: FilterRow) throws { try row.check() }

    @Test("a text of too many parts stays whole")
    func manyParts() throws {
        let text = String(repeating: "x,", count: 20_000)
        let result = try FilterHarness("- split: {field: a}").run(#"{"a":"\#(text)"}"#)
        #expect(result[0].hasPrefix(#"{"a":"x,"#) && result[0].contains("_split_type_failure"))
    }

    @Test(
        "tag",
        arguments: [
            FilterRow(
                "- tag: {add: [x, \"%{a}\"], remove: [old]}",
                #"{"a":"y","tags":["old","x"]}"#,
                #"{"a":"y","tags":["x","y"]}"#
            )
        ]
    )
    func tag(_ row: FilterRow) throws { try row.check() }

    @Test(
        "complain",
        arguments: [
            ("- convert: {fields: {a: number}}", "a: no such type; use one of: integer, float"),
            ("- convert: {}", "fields: is missing"),
            ("- rename: {fields: {a: [b]}}", "expected the name of a field"),
            ("- copy: {}", "fields: is missing"), ("- rename: {fields: {a: b..c}}", "names no field"),
            ("- gsub: {field: a, pattern: '('}", "gsub.pattern: does not compile"),
            (#"- gsub: {field: a, pattern: 'x', replacement: '\1'}"#, "the pattern has no group 1"),
            (#"- gsub: {field: a, pattern: '(?<a>x)', replacement: '\k<b>'}"#, "the pattern has no group b"),
            ("- gsub: {}", "gsub.field: is missing"), ("- lowercase: {}", "fields: is missing"),
            ("- trim: {fields: []}", "fields: is missing"), ("- split: {}", "field: is missing"),
            ("- split: {field: a, separator: \"\"}", "separator: is empty"),
            ("- join: {field: a, x: 1}", "unknown key"),
            ("- split_event: {}", "field: is missing"), ("- uppercase: {field: a}", "unknown key"),
        ]
    )
    func complain(_ filters: String, expected: String) {
        let text = FilterHarness.complaints(filters)
        #expect(text.contains(expected), "\(text)")
    }
}
