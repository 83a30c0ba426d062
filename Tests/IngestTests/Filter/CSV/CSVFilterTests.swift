import Testing

@testable import Ingest

@Suite("CSV")
struct CSVFilterTests {
    @Test(
        "makes fields of a row",
        arguments: [
            // options, text, fields
            ("columns: [a, b.c]", "1,2", #"{"a":"1","b":{"c":"2"}}"#),
            ("columns: [a, b, c]", "1,,", #"{"a":"1","b":"","c":""}"#),
            ("columns: [a, b, c]", "1", #"{"a":"1"}"#),
            ("columns: [a]", "1,2,3", #"{"a":"1","column2":"2","column3":"3"}"#),
            ("columns: [a], autogenerate_column_names: false", "1,2", #"{"a":"1"}"#),
            ("columns: [a, b], skip_empty_columns: true", ",2", #"{"b":"2"}"#),
            ("columns: [a, b], target: x", "1,2,3", #"{"x":{"a":"1","b":"2","column3":"3"}}"#),
            ("columns: [a, b]", #""x, y","say ""hi""""#, #"{"a":"x, y","b":"say \"hi\""}"#),
            ("columns: [a, b]", "\"two\nlines\",\"\"", #"{"a":"two\nlines","b":""}"#),
            ("columns: [a, b]", #"x"y,z"#, #"{"a":"x\"y","b":"z"}"#),
            (
                "columns: [a, b], separator: ';', quote_char: \"'\"", "'1;2';\"3\"",
                #"{"a":"1;2","b":"\"3\""}"#
            ),
            ("columns: [a, b], quote_char: ''", #""1","2""#, #"{"a":"\"1\"","b":"\"2\""}"#),
            ("columns: [a, b], separator: '||'", "1|2||3", #"{"a":"1|2","b":"3"}"#),
            ("columns: [a, b], separator: \"\\t\"", "1 \t2", #"{"a":"1 ","b":"2"}"#),
            ("columns: [a, b], trim: true", #" 1 ," 2 ""#, #"{"a":"1","b":" 2 "}"#),
            (
                "columns: [a, b, c], convert: {a: integer, b: float, c: boolean}", "1,2.5,yes",
                #"{"a":1,"b":2.5,"c":true}"#
            ),
            ("columns: [a, b], convert: {a: int}", ",x", #"{"a":null,"b":"x"}"#),
            ("columns: [a, b], skip_header: true", "a,c", #"{"a":"a","b":"c"}"#),
        ]
    )
    func makesFields(_ options: String, text: String, expected: String) throws {
        let trial = try FilterTrial("csv: {field: line, \(options)}")
        let result = try trial.apply(json: FilterTrial.Result.json(["line": text]))
        #expect(result.failure == nil)
        #expect(result.outcome == .next)
        var fields = result.fields
        fields["line"] = nil
        #expect(FilterTrial.Result.json(fields) == expected)
    }

    @Test("drops the heading of a file when asked", arguments: ["a,b.c", #""a",b.c"#])
    func dropsHeader(_ text: String) throws {
        #expect(try FilterTrial("csv: {columns: [a, b.c], skip_header: true}").apply(text).outcome == .drop)
        #expect(try FilterTrial("csv: {columns: [a, b.c]}").apply(text).outcome == .next)
    }

    @Test(
        "changes nothing when it fails",
        arguments: [
            (#"1,"2"#, "message: a quote is not closed"),
            (#""1"2,3"#, "message: text stands behind a closing quote at byte 3"),
            ("1,2,3,4,5", "message has more than 4 columns"),
        ]
    )
    func changesNothing(_ text: String, reason: String) throws {
        let result = try FilterTrial("csv: {columns: [a, b], max_columns: 4}").apply(text)
        #expect(result.failure == FilterFailure(.csv, reason))
        #expect(result.fields.count == 1)
    }

    @Test("keeps the fields when one has another type")
    func keepsFields() throws {
        let result = try FilterTrial("csv: {columns: [a, b], convert: {a: int}}").apply("x1,2")
        #expect(result.failure == FilterFailure(.convert, "a has another type than it should"))
        #expect(result["b"] == "\"2\"")
    }

    @Test("takes a row of a million values in its stride")
    func takesHostileRow() throws {
        let trial = try FilterTrial("csv: {columns: [a]}")
        let text = String(repeating: ",", count: 1_000_000)
        #expect(try trial.apply(text).failure?.reason == "message has more than 1000 columns")
        #expect(try trial.apply(json: #"{"message":{"a":1}}"#).failure?.reason == "message has no text")
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("separator: ','", "columns: is missing"), ("columns: [a, a]", "stands there twice"),
            ("columns: [a], separator: ''", "separator: is empty"),
            ("columns: [a], quote_char: '\"\"'", "more than one character"),
            ("columns: [a], convert: {b: int}", "b is none of the columns"),
            ("columns: ['a..b']", "names no field"),
            ("columns: [a], autodetect_column_names: true", "write columns"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("csv: {\(options)}").contains(expected))
    }
}
