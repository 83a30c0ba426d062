import Common
import Testing

@testable import Ingest

@Suite("Chain of filters")
struct FilterChainTests {
    private static let failing = "- set: {fields: {a.b: 1}}"

    @Test(
        "carries events through",
        arguments: [
            FilterRow(
                "- set: {fields: {b: \"%{a}!\", n: 1, l: [x, 2], q: null}}",
                #"{"a":"x"}"#,
                #"{"a":"x","b":"x!","n":1,"l":["x",2],"q":null}"#
            ),
            FilterRow("- set: {fields: {a: y}, override: false}", #"{"a":"x"}"#, #"{"a":"x"}"#),
            FilterRow("- drop: {}\n  if: a == 'x'", #"{"a":"x"}"#),
            FilterRow("- drop: {}\n  if: a == 'x'", #"{"a":"y"}"#, #"{"a":"y"}"#),
            FilterRow("- remove: {fields: [a.b, c]}", #"{"a":{"b":1},"c":2,"d":3}"#, #"{"a":{},"d":3}"#),
            // Branches.
            FilterRow(
                "- if: n > 1\n  then:\n    - set: {fields: {is: many}}\n  else:\n    - set: {fields: {is: few}}",
                #"{"n":2}"#,
                #"{"n":2,"is":"many"}"#
            ),
            FilterRow(
                "- if: n > 1\n  then:\n    - set: {fields: {is: many}}\n  else:\n    - set: {fields: {is: few}}\n- tag: {add: end}",
                #"{"n":1}"#,
                #"{"n":1,"is":"few","tags":["end"]}"#
            ),
            FilterRow(
                "- if: n\n  then:\n    - if: n > 1\n      then: [{drop: {}}]\n    - tag: {add: [one]}\n- tag: {add: [end]}",
                #"{"n":1}"#,
                #"{"n":1,"tags":["one","end"]}"#
            ),
            // Failures.
            FilterRow(
                failing,
                #"{"a":1}"#,
                #"{"a":1,"tags":["_fieldfailure"],"error":{"message":"a.b cannot be set: what it would stand in is no object"}}"#
            ),
            FilterRow(
                failing + "\n  tag_on_failure: [mine, two]",
                #"{"a":1}"#,
                #"{"a":1,"tags":["mine","two"],"error":{"message":"a.b cannot be set: what it would stand in is no object"}}"#
            ),
            FilterRow(
                failing
                    + "\n  on_failure:\n    - remove: {fields: error}\n    - set: {fields: {saved: true}}\n- tag: {add: [end]}",
                #"{"a":1}"#,
                #"{"a":1,"saved":true,"tags":["end"]}"#
            ),
            FilterRow(
                failing
                    + "\n  on_failure:\n    - set: {fields: {a.c: 2}}\n      on_failure:\n        - drop: {}",
                #"{"a":1}"#
            ),
            FilterRow(failing + "\n  on_failure:\n    - drop: {}", #"{}"#, #"{"a":{"b":1}}"#),
            // What is done when a filter succeeded, and only then.
            FilterRow(
                "- set: {fields: {a: 1}}\n  add_tag: [\"t-%{a}\"]\n  remove_tag: [old]\n  add_field: {b.c: \"%{a}\", d: e}\n  remove_field: [gone]",
                #"{"tags":["old"],"gone":1,"d":"x"}"#,
                #"{"tags":["t-1"],"d":["x","e"],"a":1,"b":{"c":"1"}}"#
            ),
            FilterRow(
                failing + "\n  add_tag: [done]\n  tag_on_failure: []",
                #"{"a":1}"#,
                #"{"a":1,"error":{"message":"a.b cannot be set: what it would stand in is no object"}}"#
            ),
            // Splitting.
            FilterRow(
                "- split_event: {field: l}\n- set: {fields: {b: \"%{l}\"}}",
                #"{"a":1,"l":["x",{"k":[2]},null]}"#,
                #"{"a":1,"l":"x","b":"x"}"#,
                #"{"a":1,"l":{"k":[2]},"b":"{\"k\":[2]}"}"#,
                #"{"a":1,"l":null,"b":""}"#
            ),
            FilterRow(
                "- split_event: {field: l}\n- split_event: {field: l}",
                #"{"l":[[1,2],[3]]}"#,
                #"{"l":1}"#,
                #"{"l":2}"#,
                #"{"l":3}"#
            ),
            FilterRow(
                "- split_event: {field: l}\n- drop: {}\n  if: l == 2",
                #"{"l":[1,2,3]}"#,
                #"{"l":1}"#,
                #"{"l":3}"#
            ),
            FilterRow("- split_event: {field: a.l}", #"{"a":{"l":"x"}}"#, #"{"a":{"l":"x"}}"#),
            FilterRow("- split_event: {field: a.l}", #"{"a":{"l":[]}}"#, #"{"a":{"l":[]}}"#),
        ]
    )
    func carries(_ row: FilterRow) throws { try row.check() }

    @Test("metadata lives through a split")
    func metadata() throws {
        let harness = try FilterHarness(
            "- split_event: {field: l}\n- set: {fields: {id: \"%{@metadata.x}\"}}"
        )
        #expect(
            try harness.run(#"{"@metadata":{"x":"m"},"l":[1,2]}"#) == [
                #"{"l":1,"id":"m"}"#, #"{"l":2,"id":"m"}"#,
            ]
        )
    }

    @Test("an event that would become too many documents, or too large ones, is stored whole")
    func splitLimits() throws {
        let many = "[" + Array(repeating: "1", count: 10_001).joined(separator: ",") + "]"
        let harness = try FilterHarness("- split_event: {field: l}")
        let whole = try harness.run(#"{"l":\#(many)}"#)
        #expect(whole.count == 1 && whole[0].contains("_split_type_failure"))
        let fits = "[" + Array(repeating: "1", count: 10_000).joined(separator: ",") + "]"
        #expect(try harness.run(#"{"l":\#(fits)}"#).count == 10_000)
        let long = String(repeating: "x", count: 1 << 20)
        let large = try harness.run(#"{"long":"\#(long)","l":\#(fits)}"#)
        #expect(large.count == 1 && large[0].contains("too many for the size of the event"))
        let nested = try FilterHarness("- split_event: {field: l}\n- split_event: {field: l}")
        let row = "[" + Array(repeating: "1", count: 200).joined(separator: ",") + "]"
        let rows = "[" + Array(repeating: row, count: 200).joined(separator: ",") + "]"
        let documents = try nested.run(#"{"l":\#(rows)}"#)
        #expect(documents.count < 20_000 && documents.contains { $0.contains("_split_type_failure") })
    }

    @Test("counts what it did")
    func counts() throws {
        let harness = try FilterHarness(
            "- drop: {}\n  if: a == 1\n- set: {fields: {b.c: 1}}\n  id: mine\n- drop: {}"
        )
        for json in [#"{"a":1}"#, #"{"a":2}"#, #"{"b":1}"#] { #expect(try harness.run(json).isEmpty) }
        #expect(harness.ids == ["drop-1", "mine", "drop-2"])
        #expect(harness.counters.map(\.events.total) == [1, 2, 2])
        #expect(harness.counters.map(\.drops.total) == [1, 0, 2])
        #expect(harness.counters.map(\.failures.total) == [0, 1, 0])
    }

    @Test(
        "complains with line and key",
        arguments: [
            // The harness indents by two.
            ("- drop: {}\n  if: a = 1", "test.yml:3: filters.0.if: column 11: "),
            ("- drop: {}\n  if: 'é = 1'", "test.yml:3: filters.0.if: column 12: "),
            ("- drop: {}\n  if:\n    \"a = 1\"", "test.yml:3: filters.0.if: line 4, column 10: "),
            ("- drop: {}\n  if: \"a = '\\t'\"", "test.yml:3: filters.0.if: character 3: "),
            ("- drop: {}\n  if: |\n    a = 1", "test.yml:3: filters.0.if: character 3: "),
            ("- drop: {}\n  if: 'a == ''1'' = 1'", "test.yml:3: filters.0.if: character 10: "),
            (
                "- mutate: {rename: {a: b}}",
                "filters.0.mutate: there is no filter \"mutate\"; write each of its parts"
            ),
            ("- dorp: {}", "there is no filter \"dorp\" (did you mean \"drop\"?)"),
            ("- if: a", "stands without a filter"), ("- then: []", "needs a condition"),
            ("- drop: {}\n  set: {fields: {a: 1}}", "a second filter in one entry"),
            (
                "- drop: {}\n  id: x\n- drop: {}\n  id: x",
                "test.yml:5: filters.1.id: \"x\" is the id of another filter"
            ),
            ("- set: {}", "filters.0.set.fields: is missing"),
            ("- set: {fields: {a: \"%{\"}}", "is not closed by }"),
            ("- remove: {fields: [a..b]}", "names no field"), ("- drop: {x: 1}", "unknown key"),
            ("- tag: {}", "is missing"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        let text = FilterHarness.complaints(filters)
        #expect(text.contains(expected), "\(text)")
    }
}
