import Testing

@testable import Ingest

@Suite("Dissect")
struct DissectFilterTests {
    @Test(
        "cuts lines at their delimiters",
        arguments: [
            // pattern and options, text, fields
            ("'%{a} %{b}'", "x y z", #"{"a":"x","b":"y z"}"#),
            (
                "'%{a} - [%{b}] \"%{c.d} %{[c][e]}\" %{f}'", "1 - [2] \"3 4\" 5",
                #"{"a":"1","b":"2","c":{"d":"3","e":"4"},"f":"5"}"#
            ),
            ("'<%{a}>%{}: %{?skipped} %{b}'", "<1>x: y z", #"{"a":"1","b":"z"}"#),
            ("'%{a}, %{b}'", ", ", #"{"a":"","b":""}"#),
            // Padding.
            ("'%{a->} %{b}'", "x    y", #"{"a":"x","b":"y"}"#),
            ("'[%{a}]%{->} %{b}'", "[x]   y", #"{"a":"x","b":"y"}"#),
            ("'%{a->}--%{b}'", "x-----y", #"{"a":"x","b":"-y"}"#),
            // Put together.
            ("'%{t} %{+t} %{+t}: %{b}'", "May 23 10:40: y", #"{"b":"y","t":"May 23 10:40"}"#),
            ("'%{+a/2} %{+a/1} %{+a/4} %{+a/3}'", "1 2 3 go", #"{"a":"2 1 go 3"}"#),
            ("'%{+a} %{+a/1->} %{b}', append_separator: '-'", "1 2   3", #"{"a":"1-2","b":"3"}"#),
            // Names in the text.
            ("'%{?k}=%{&k};%{?l}=%{&l}'", "a.b=1;c=2", #"{"a":{"b":"1"},"c":"2"}"#),
            ("'%{*k}: %{&k}'", "x: y", #"{"x":"y"}"#),
            ("'%{?k}=%{&k}'", "@metadata._id=y", "{}"),
            ("'%{?k}=%{&k}'", "a..b=y", "{}"),
            ("'%{?k}=%{&k}'", "=y", "{}"),
            // Types.
            ("'%{a} %{b}', convert_datatype: {a: int, b: float}", "-5 1.5", #"{"a":-5,"b":1.5}"#),
            ("'a%{x}c%{y}c'", "abcdc rest", #"{"x":"b","y":"d"}"#),
        ]
    )
    func cuts(_ options: String, text: String, expected: String) throws {
        let trial = try FilterTrial("dissect: {field: line, pattern: \(options)}")
        let result = try trial.apply(json: FilterTrial.Result.json(["line": text]))
        #expect(result.failure == nil)
        var fields = result.fields
        fields["line"] = nil
        #expect(FilterTrial.Result.json(fields) == expected)
    }

    @Test(
        "changes nothing where a delimiter is missing",
        arguments: [
            (#"{"message":"x"}"#, "message has no \" [\" from byte 0 on"),
            (#"{"message":"x [y"}"#, "message has no \"] \" from byte 3 on"),
            (#"{"other":"x"}"#, "message has no text"), (#"{"message":{}}"#, "message has no text"),
            (#"{"message":""}"#, "message has no \" [\" from byte 0 on"),
        ]
    )
    func changesNothing(_ event: String, reason: String) throws {
        let result = try FilterTrial("dissect: {pattern: '%{a} [%{b}] %{c}'}").apply(json: event)
        #expect(result.failure == FilterFailure(.dissect, reason))
        #expect(result.json == event)
    }

    @Test("keeps the fields when one has another type")
    func keepsFields() throws {
        let trial = try FilterTrial("dissect: {pattern: '%{a} %{b}', convert_datatype: {a: int}}")
        let result = try trial.apply("12x y")
        #expect(result.failure == FilterFailure(.convert, "a has another type than it should"))
        #expect(result.json == #"{"a":12,"b":"y","message":"12x y"}"#)
    }

    @Test("takes hostile text in its stride")
    func takesHostileText() throws {
        let trial = try FilterTrial("dissect: {pattern: '%{a->} %{+a}=%{?k}=%{&k}'}")
        #expect(try trial.apply("x" + String(repeating: " ", count: 1_000_000)).failure?.tag == .dissect)
        let deep = String(repeating: "a.", count: 100_000) + "b"
        #expect(try trial.apply("x y=\(deep)=z").fields.count == 2)
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("pattern: '%{a}%{b}'", "there is no text between %{a} and what follows it"),
            ("pattern: '%{a} %{b'", "is not closed"), ("pattern: 'text'", "has no field"),
            ("pattern: '%{a} %{a}'", "%{a} stands in it twice; write %{+a}"),
            ("pattern: '%{a..b}'", "names no field"),
            ("pattern: '%{+a/x} y'", "a number stands behind"), ("pattern: '%{&k}'", "needs %{?k} or %{*k}"),
            ("field: message", "pattern: missing"),
            ("mapping: {message: x}", "write field: message and pattern"),
            ("pattern: '%{a} x', convert_datatype: {b: int}", "b is no field of the pattern"),
            ("pattern: '%{a} x', convert_datatype: {a: date}", "expected one of string, int"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("dissect: {\(options)}").contains(expected))
    }
}
