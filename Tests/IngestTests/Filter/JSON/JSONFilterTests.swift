import Testing

@testable import Ingest

@Suite("JSON filter")
struct JSONFilterTests {
    @Test(
        "makes fields of members",
        arguments: [
            // options, text, other fields of the event, all fields but the text
            (
                "remove_source: false", #"{"a":1,"b":{"c":[true,null]}}"#, "",
                #"{"a":1,"b":{"c":[true,null]}}"#
            ),
            ("target: x", #"{"a":1.50}"#, "", #"{"x":{"a":1.5}}"#),
            ("target: x.y", #" [1,"2"] "#, "", #"{"x":{"y":[1,"2"]}}"#),
            ("target: x", #""text""#, "", #"{"x":"text"}"#),
            ("target: x", "17", #","x":"old""#, #"{"x":17}"#),
            ("overwrite: true", #"{"a":1}"#, #","a":"old""#, #"{"a":1}"#),
            ("overwrite: false", #"{"a":1,"b":2}"#, #","a":"old""#, #"{"a":"old","b":2}"#),
            ("target: x, overwrite: false", #"{"a":1}"#, #","x":{}"#, #"{"x":{"a":1}}"#),
            ("overwrite: true", #"{"a.b":1}"#, "", #"{"a.b":1}"#),
            (
                "expand_dotted_keys: true", #"{"a.b":1,"a":{"c.d":2},"a.c.e":3}"#, "",
                #"{"a":{"b":1,"c":{"d":2,"e":3}}}"#
            ),
            ("expand_dotted_keys: true, target: x", #"{"a.b":1}"#, "", #"{"x":{"a":{"b":1}}}"#),
            (
                "expand_dotted_keys: true, overwrite: false", #"{"a.b":1,"a.c":2}"#, #","a":{"b":0}"#,
                #"{"a":{"b":0,"c":2}}"#
            ),
            // Keys that cannot be expanded stay.
            (
                "expand_dotted_keys: true", #"{"a":1,"a.b":2,"..":3,"":4}"#, "",
                #"{"":4,"..":3,"a":1,"a.b":2}"#
            ),
            ("overwrite: true", #"{"\u0061":"\ud83d\ude00\n"}"#, "", #"{"a":"😀\n"}"#),
            // Ids and indices are not the line's to choose.
            ("expand_dotted_keys: true", #"{"@metadata":{"_id":"x"},"a":1}"#, "", #"{"a":1}"#),
            ("skip_on_invalid_json: true", "plain text", "", "{}"),
            ("skip_on_invalid_json: true", "", "", "{}"),
        ]
    )
    func makesFields(_ options: String, text: String, others: String, expected: String) throws {
        let trial = try FilterTrial("json: {field: text, \(options)}")
        let event = "{\"text\":\(FilterTrial.Result.json(text))\(others)}"
        let result = try trial.apply(json: event)
        #expect(result.failure == nil)
        var fields = result.fields
        #expect(fields.removeValue(forKey: "text") != nil)
        #expect(FilterTrial.Result.json(fields) == expected)
        // A second event finds nothing of the first.
        #expect(try trial.apply(json: event).json == result.json)
    }

    @Test("gives nothing of a line the power over its id")
    func keepsMetadata() throws {
        let record = Record()
        try record.load(
            Array(#"{"message":"{\"@metadata\":{\"_id\":\"x\"},\"@metadata._id\":1}"}"#.utf8).span.bytes
        )
        for options in ["overwrite: true", "expand_dotted_keys: true"] {
            _ = try FilterTrial("json: {\(options)}").filter.apply(to: record)
            let path = try #require(FieldPath("@metadata._id"))
            #expect(record.find(path) == nil)
        }
    }

    @Test("removes the text, even when a member has its name")
    func removesSource() throws {
        let trial = try FilterTrial("json: {remove_source: true}")
        #expect(try trial.apply(#"{"a":1}"#).json == #"{"a":1}"#)
        #expect(try trial.apply(#"{"message":"inner"}"#).json == #"{"message":"inner"}"#)
        let inPlace = try FilterTrial("json: {target: message}")
        #expect(try inPlace.apply(#"{"a":1}"#).json == #"{"message":{"a":1}}"#)
    }

    @Test(
        "changes nothing when it fails",
        arguments: [
            ("{", "message is no JSON: text ends inside a value at byte 1"),
            (#"{"a":1} x"#, "message is no JSON: unexpected byte at byte 8"),
            (#"{"a":01}"#, "message is no JSON: bad number at byte 7"),
            ("{'a':1}", "message is no JSON: unexpected byte at byte 1"),
            ("", "message is no JSON: text ends inside a value at byte 0"),
            ("[1]", "message is JSON, but no object; a target would keep it"),
            ("17", "message is JSON, but no object; a target would keep it"),
            (#"{"a":{"b":{"c":{}}}}"#, "message is nested more than 3 deep"),
            (#"{"a":[1,2,3,4,5]}"#, "message has more than 5 values"),
        ]
    )
    func changesNothing(_ text: String, reason: String) throws {
        let result = try FilterTrial("json: {max_depth: 3, max_values: 5, remove_source: true}").apply(text)
        #expect(result.failure == FilterFailure(.json, reason))
        #expect(result.json == FilterTrial.Result.json(["message": text]))
    }

    @Test("refuses huge and deep texts quickly")
    func refusesHuge() throws {
        let trial = try FilterTrial("json: {target: x}")
        let wide = "{" + (0..<200_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        #expect(try trial.apply(wide).failure?.reason == "message has more than 1000 values")
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(try trial.apply(deep).failure?.reason == "message is nested more than 20 deep")
        #expect(try trial.apply(json: #"{"message":{"a":1}}"#).failure?.reason == "message has no text")
        let there = try FilterTrial("json: {target: x, overwrite: false}")
        #expect(try there.apply(json: #"{"message":"1","x":2}"#).failure?.reason == "x is there already")
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("source: message", "write field: message"), ("add_to_root: true", "leave target out"),
            ("max_depth: 0", "out of range"), ("target: 'a..b'", "names no field"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("json: {\(options)}").contains(expected))
    }
}
