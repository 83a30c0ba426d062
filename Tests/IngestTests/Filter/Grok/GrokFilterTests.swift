import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Grok")
struct GrokFilterTests {
    @Test(
        "cuts lines into fields",
        arguments: [
            // options, message, other fields expected
            (#"patterns: ['%{WORD:verb} %{NUMBER:n:int}']"#, "GET 5", #"{"n":5,"verb":"GET"}"#),
            (#"patterns: ['%{WORD:a.b} %{WORD:[a][c]}']"#, "x y", #"{"a":{"b":"x","c":"y"}}"#),
            (#"patterns: ['(?<a.b>\w+)-(?<c:float>[\d.]+)']"#, "x-1.50", #"{"a":{"b":"x"},"c":1.5}"#),
            // Repeats become lists.
            (#"patterns: ['%{WORD:a} %{WORD:a} %{INT:a:int}']"#, "x y 7", #"{"a":["x","y",7]}"#),
            (#"patterns: ['%{WORD:a}(?: %{WORD:b})?']"#, "x", #"{"a":"x"}"#),
            (#"patterns: ['a%{DATA:x}b']"#, "ab", "{}"),
            (#"patterns: ['a%{DATA:x}b'], keep_empty_captures: true"#, "ab", #"{"x":""}"#),
            // Types.
            (#"patterns: ['%{NOTSPACE:n:int}']"#, "1.9", #"{"n":1}"#),
            (#"patterns: ['%{NOTSPACE:n:int}']"#, "abc", #"{"n":0}"#),
            (#"patterns: ['%{NOTSPACE:n:long}']"#, "-0017x", #"{"n":-17}"#),
            (#"patterns: ['%{NOTSPACE:n:int}']"#, "9223372036854775807", #"{"n":9223372036854775807}"#),
            (#"patterns: ['%{NOTSPACE:n:int}']"#, "99999999999999999999", #"{"n":"99999999999999999999"}"#),
            (#"patterns: ['%{NOTSPACE:n:double}']"#, ".5e1x", #"{"n":5}"#),
            (#"patterns: ['%{NOTSPACE:n:float}']"#, "x", #"{"n":0}"#),
            (#"patterns: ['%{NOTSPACE:n:float}']"#, "1e999", #"{"n":null}"#),
            (#"patterns: ['%{NOTSPACE:n:boolean}']"#, "Yes", #"{"n":true}"#),
            (#"patterns: ['%{NOTSPACE:n:boolean}']"#, "maybe", #"{"n":"maybe"}"#),
            // The first that matches.
            (#"patterns: ['%{INT:n:int}$', '%{WORD:w}']"#, "abc", #"{"w":"abc"}"#),
            (#"patterns: ['%{WORD:w}', '%{INT:n:int}'], break_on_match: false"#, "5", #"{"n":5,"w":"5"}"#),
            // Definitions.
            (#"patterns: ['%{ID:id}'], pattern_definitions: {ID: '[A-F]{2,3}'}"#, "xABCDx", #"{"id":"ABC"}"#),
            (
                #"patterns: ['%{ID:id}'], pattern_definitions: {ID: 'x-%{WORD:w}'}"#, "x-abc",
                #"{"id":"x-abc","w":"abc"}"#
            ),
            (#"patterns: ['%{ID=[A-F]{2}} %{WORD:w}']"#, "AB x", #"{"w":"x"}"#),
            (#"patterns: ['%{ID:id=[A-F]{2}}']"#, "AB", #"{"id":"AB"}"#),
            (#"patterns: ['%{WORD} %{INT:n}'], named_captures_only: false"#, "x 1", #"{"n":"1","WORD":"x"}"#),
            // What Ruby writes otherwise.
            (#"patterns: ['(?<h>\h+)']"#, "xyz1Fgh", #"{"h":"1F"}"#),
            (#"patterns: ['(?<q>[\x22\h]+)']"#, "x\"ab\"", #"{"q":"\"ab\""}"#),
            (#"patterns: ['(?<q>.)(?<w>\w+)\k<q>']"#, "'ab'", #"{"q":"'","w":"ab"}"#),
            (#"patterns: ['^b(?<x>.*)']"#, "a\nbc\nd", #"{"x":"c\nd"}"#),
            (#"patterns: ['(?<x>a{,2})b']"#, "aaab", #"{"x":"aa"}"#),
            (#"patterns: ['(?<x>[a-c[x-z]]+)']"#, "9axb9", #"{"x":"axb"}"#),
            (#"patterns: ['(?i)(?<x>ab)']"#, "AB", #"{"x":"AB"}"#),
            (#"patterns: ['(?<x>\p{Alpha}+)\u0020(?<y>é.)']"#, "größe éà", #"{"x":"größe","y":"éà"}"#),
            (#"patterns: ['(?<x>a(b|c)d)(?#comment)']"#, "acd", #"{"x":"acd"}"#),
            (#"patterns: ['(?<![0-9])(?<n>[0-9]++)(?!\.)']"#, "1.2", #"{"n":"2"}"#),
            (#"patterns: ['(?<x>(?>a+))b']"#, "aab", #"{"x":"aa"}"#),
            (#"patterns: ['(?<r>[()]\g<d>)(?<d>\d)']"#, "(12", #"{"d":"2","r":"(1"}"#),
        ]
    )
    func cuts(_ options: String, message: String, expected: String) throws {
        let result = try FilterTrial("grok: {\(options)}").apply(message)
        #expect(result.failure == nil)
        var fields = result.fields
        fields["message"] = nil
        #expect(FilterTrial.Result.json(fields) == expected)
    }

    @Test(
        "keeps or replaces what is there",
        arguments: [
            ("patterns: ['x %{GREEDYDATA:message}']", #"{"message":["x rest","rest"]}"#),
            ("patterns: ['x %{GREEDYDATA:message}'], overwrite: [message]", #"{"message":"rest"}"#),
            (
                "patterns: ['%{WORD:message} %{WORD:message}'], overwrite: [message]",
                #"{"message":["x","rest"]}"#
            ),
        ]
    )
    func keepsOrReplaces(_ options: String, expected: String) throws {
        let trial = try FilterTrial("grok: {\(options)}")
        // Twice: nothing is left over from the first event.
        #expect(try trial.apply("x rest").json == expected)
        #expect(try trial.apply("x rest").json == expected)
    }

    @Test(
        "fails on what does not match",
        arguments: [
            (#"{"message":"abc"}"#, "message does not match the pattern"),
            (#"{"other":"5"}"#, "there is no field message"),
            (#"{"message":null}"#, "message does not match the pattern"),
            (#"{"message":{"a":"5"}}"#, "message does not match the pattern"),
            (#"{"message":[]}"#, "message does not match the pattern"),
            (#"{"message":["a","b"]}"#, "message does not match the pattern"),
        ]
    )
    func fails(_ event: String, reason: String) throws {
        let result = try FilterTrial("grok: {patterns: ['%{INT:n}']}").apply(json: event)
        #expect(result.failure == FilterFailure(.grok, reason))
        #expect(result.json == event)
    }

    @Test("searches numbers and the elements of a list")
    func searchesLists() throws {
        let trial = try FilterTrial("grok: {patterns: ['%{INT:n:int}']}")
        #expect(try trial.apply(json: #"{"message":["a","5","6"]}"#)["n"] == "5")
        #expect(try trial.apply(json: #"{"message":17}"#)["n"] == "17")
        let all = try FilterTrial("grok: {patterns: ['%{INT:n:int}'], break_on_match: false}")
        #expect(try all.apply(json: #"{"message":["a","5","6"]}"#)["n"] == "[5,6]")
    }

    @Test(
        "ends hostile searches within their time",
        arguments: [
            ("(?<x>(?:a+)+)$", String(repeating: "a", count: 30_000) + "b"),
            ("^(?:(?:a|aa)+)+$", String(repeating: "a", count: 30_000) + "!"),
            ("(?<x>(?:\\w+\\s?)*)$", String(repeating: "a", count: 30_000) + "!"),
            ("%{DATA:a}b%{DATA:c}d%{DATA:e}f", String(repeating: "b", count: 30_000)),
        ]
    )
    func endsHostileSearches(_ pattern: String, message: String) throws {
        let trial = try FilterTrial("grok: {patterns: ['\(pattern)'], timeout: 50ms}")
        let clock = ContinuousClock()
        var result = try trial.apply("warm")
        let took = try clock.measure { result = try trial.apply(message) }
        #expect(result.failure?.tag == .grokTimeout || result.failure?.tag == .grok)
        #expect(took < .seconds(1), "generous: a debug build on a busy machine")
        #expect(try trial.apply(message).failure != nil)
    }

    @Test("says that a search was given up")
    func saysTimeout() throws {
        let trial = try FilterTrial(#"grok: {patterns: ['(?<x>(?:a+)+)$']}"#)
        let failure = try trial.apply(String(repeating: "a", count: 30_000) + "b").failure
        #expect(failure?.tag == .grokTimeout)
        #expect(failure?.reason?.contains("30001 bytes") == true)
        // The next line is searched as ever.
        #expect(try trial.apply("baa")["x"] == "\"aa\"")
    }

    @Test(
        "complains about mistakes",
        arguments: [
            ("patterns: ['%{NOPE:x}']", "there is no pattern %{NOPE}"),
            ("patterns: ['%{NUMBR:x}']", "did you mean \"NUMBER\""),
            ("patterns: ['%{WORD']", "is not closed"),
            ("patterns: ['%{WORD:}']", "the name of a group is empty"),
            ("patterns: ['%{WORD:a:decimal}']", "\"decimal\" is no type"),
            ("patterns: ['%{}']", "is no reference"),
            ("patterns: ['(a']", "missing closing parenthesis"),
            ("patterns: ['[a']", "is not closed"),
            ("patterns: ['(*UTF)a']", "is not known here"),
            ("patterns: ['[a-z&&[^b]]']", "is not known here"),
            ("patterns: ['(?<a>x)\\k<b>']", "refers to a group"),
            ("patterns: ['(?<a..b>x)']", "names no field"),
            ("patterns: ['(?<!a+)b']", "lookbehind"),
            ("patterns: ['%{A}'], pattern_definitions: {A: '%{B}', B: 'x%{A}'}", "A → B → A"),
            ("patterns: ['x'], pattern_definitions: {A: '('}", "A: missing closing parenthesis"),
            ("field: message", "patterns: is missing"),
            ("match: {message: x}, patterns: [x]", "write field: message and patterns"),
            ("patterns: [x], timeout: 0s", "out of range"),
        ]
    )
    func complains(_ options: String, expected: String) {
        #expect(FilterTrial.problems("grok: {\(options)}").contains(expected))
    }

    @Test("gives fields of the Elastic Common Schema")
    func givesECS() throws {
        let trial = try FilterTrial("grok: {patterns: ['%{COMBINEDAPACHELOG}']}")
        let result = try trial.apply(
            #"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 - "-" "Mozilla/4.08""#
        )
        #expect(result["source.address"] == "\"127.0.0.1\"")
        #expect(result["user.name"] == "\"frank\"")
        #expect(result["apache"] == nil)
        #expect(result["timestamp"] == "\"10/Oct/2000:13:55:36 -0700\"")
        #expect(result["http.request.method"] == "\"GET\"")
        #expect(result["http.version"] == "\"1.0\"")
        #expect(result["http.response.status_code"] == "200")
        #expect(result["http.response.body"] == nil)
        #expect(result["http.request.referrer"] == nil)
        #expect(result["user_agent.original"] == "\"Mozilla/4.08\"")
    }
}
