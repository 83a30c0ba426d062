import Testing

@testable import Ingest

@Suite("Key and value")
struct KeyValueFilterTests {
    @Test(
        "makes fields of pairs",
        arguments: [
            // options, text, fields
            ("prefix: ''", "a=1 b=2", #"{"a":"1","b":"2"}"#),
            ("prefix: ''", "  a=1   word b=  =c d", #"{"a":"1","b":""}"#),
            (
                "prefix: ''", #"a="x y" b='it is' c=(d e) f=[g h] i=<j k>"#,
                #"{"a":"x y","b":"it is","c":"d e","f":"g h","i":"j k"}"#
            ),
            ("quotes: false, include_brackets: false", #"a="x y" b=(z"#, #"{"a":"\"x","b":"(z"}"#),
            (#"prefix: ''"#, #"a="x \" y" b="open c=1"#, #"{"a":"x \\\" y","b":"\"open","c":"1"}"#),
            ("prefix: ''", "a==b c=d=e", #"{"a":"=b","c":"d=e"}"#),
            ("field_split: '&;', value_split: ':='", "a:1&b=2;c:3", #"{"a":"1","b":"2","c":"3"}"#),
            ("field_split: ',', trim_key: ' ', trim_value: ' !'", "a = 1! , b =!2", #"{"a":"1","b":"2"}"#),
            ("prefix: arg_", "a=1", #"{"arg_a":"1"}"#),
            ("target: x.y", "a=1 b.c=2", #"{"x":{"y":{"a":"1","b":{"c":"2"}}}}"#),
            ("include_keys: [a, c]", "a=1 b=2 c=3", #"{"a":"1","c":"3"}"#),
            ("exclude_keys: [a]", "a=1 b=2", #"{"b":"2"}"#),
            ("prefix: p_, include_keys: [a]", "a=1 b=2", #"{"p_a":"1"}"#),
            ("prefix: ''", "a=1 a=2 a=1", #"{"a":["1","2","1"]}"#),
            ("allow_duplicate_values: false", "a=1 a=2 a=1 b=1 b=1", #"{"a":["1","2"],"b":"1"}"#),
            ("transform_key: lowercase", "Ab=1 aB=2", #"{"ab":["1","2"]}"#),
            ("transform_key: uppercase", "ab=x", #"{"AB":"x"}"#),
            ("default_keys: {a: none, d: 'of %{a}'}", "a=1", #"{"a":"1","d":"of 1"}"#),
            // Names that no field can have, or that are not the line's to set.
            ("prefix: ''", "a=1 .b=2 c..d=3 @metadata._id=x @metadata=y a.b=4", #"{"a":"1"}"#),
            ("prefix: ''", "a.b=1 a=2 a.b=3", #"{"a":{"b":["1","3"]}}"#),
        ]
    )
    func makesFields(_ options: String, text: String, expected: String) throws {
        let trial = try FilterTrial("kv: {field: line, \(options)}")
        let event = FilterTrial.Result.json(["line": text])
        let result = try trial.apply(json: event)
        #expect(result.failure == nil)
        var fields = result.fields
        fields["line"] = nil
        #expect(FilterTrial.Result.json(fields) == expected)
        #expect(try trial.apply(json: event).json == result.json)
    }

    @Test(
        "fails where there is no pair",
        arguments: [
            (#"{"message":"no pair"}"#, "message has no key with a value"),
            (#"{"message":""}"#, "message has no key with a value"),
            (#"{"other":"a=1"}"#, "message has no text"),
            (#"{"message":[]}"#, "message has no text"),
        ]
    )
    func fails(_ event: String, reason: String) throws {
        let result = try FilterTrial("kv: {target: x}").apply(json: event)
        #expect(result.failure == FilterFailure(.keyValue, reason))
        #expect(result.json == event)
    }

    @Test("makes no more fields than it may")
    func isBounded() throws {
        let text = (0..<100_000).map { "k\($0)=\($0)" }.joined(separator: " ")
        let result = try FilterTrial("kv: {target: x, max_keys: 3}").apply(text)
        #expect(result.failure == FilterFailure(.keyValue, "message has more than 3 keys"))
        #expect(result["x"] == #"{"k0":"0","k1":"1","k2":"2"}"#)
        let long = String(repeating: "k", count: 300)
        #expect(try FilterTrial("kv: {target: x}").apply("\(long)=1").fields.count == 1)
        // An open quote makes each of many values look for its end.
        let open = String(repeating: "a=\"b ", count: 100_000)
        let none = try FilterTrial("kv: {target: x, exclude_keys: [a]}")
        let clock = ContinuousClock()
        var count = 0
        let took = try clock.measure { count = try none.apply(open).fields.count }
        #expect(count == 1)
        #expect(took < .seconds(2), "looking again for each takes half a minute")
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("field_split: ''", "is empty"), ("value_split: '→'", "not ASCII"),
            ("source: x", "write field: message"),
            ("max_keys: 0", "out of range"), ("transform_key: title", "is not a choice"),
            ("field_split_pattern: x", "field_split takes characters"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("kv: {\(options)}").contains(expected))
    }
}
