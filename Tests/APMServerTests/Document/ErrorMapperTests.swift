import Common
import Testing

@testable import APMServer

@Suite("Errors")
struct ErrorMapperTests {
    /// Keys are those that the Python package xxhash gives for the text in the comment.
    @Test(
        "are grouped by what names their kind",
        arguments: [
            (
                // ABCmodfnfile2clsfn3D
                "types, then frames by module, file or class",
                """
                "exception":{"type":"A","message":"x","stacktrace":[{"filename":"f","module":"mod","function":"fn"},\
                {"filename":"file","classname":"c"},{"classname":"2cls","filename":"","function":"fn3"}],\
                "cause":[{"type":"B","message":"y","cause":[{"type":"C"}],"stacktrace":[{"filename":"D"}]}]}
                """,
                "5cd4af55e85cf91e"
            ),
            (
                // ABCpattern
                "types, then the pattern of the message",
                """
                "exception":{"type":"A","cause":[{"type":"B"},{"type":"C"}]},\
                "log":{"message":"m","param_message":"pattern"}
                """,
                "415f191ae9c8c02e"
            ),
            (
                // file2f
                "frames of the log record only without frames of exceptions",
                """
                "exception":{"message":"A","stacktrace":[{"filename":"file2","function":"f"}]},\
                "log":{"message":"m","stacktrace":[{"filename":"no"}]}
                """,
                "80d6c666ed9f9aec"
            ),
            (
                // patternfilef
                "pattern, then frames of the log record",
                """
                "exception":{"message":"A","stacktrace":[]},"log":{"message":"m","param_message":"pattern",\
                "stacktrace":[{"filename":"file","function":"f"}]}
                """,
                "c8afe44c120a96b0"
            ),
            (
                // m1m2m3
                "messages of all exceptions when there is nothing else",
                """
                "exception":{"message":"m1","cause":[{"message":"m2"},{"message":"m3"}]},"log":{"message":"lm"}
                """,
                "a25c8720cd2c5aea"
            ),
            // lm
            ("the message that was logged at last", #""log":{"message":"lm"}"#, "457852b63695936a"),
            (
                // ä, line feed, "Tfile
                "characters, however they are escaped",
                #""exception":{"type":"\u00e4\n\"T","stacktrace":[{"filename":"file"}]}"#,
                "a95f7afde02e0004"
            ),
        ]
    )
    func grouping(_ name: String, members: String, key: String) throws {
        #expect(try document(members)["error.grouping_key"]?.text == key)
    }

    @Test(
        "list their exceptions depth first, with the parent where it is not the one before",
        arguments: [
            (
                #""exception":{"type":"A","cause":[{"type":"B","cause":[{"type":"C"}]},{"type":"D"}]}"#,
                #"[{"type":"A"},{"type":"B"},{"type":"C"},{"type":"D","parent":0}]"#
            ),
            (
                #""exception":{"type":"A","cause":[{"type":"B"},{"type":"C"},{"type":"D","cause":[{"type":"E"}]}]}"#,
                #"[{"type":"A"},{"type":"B"},{"type":"C","parent":0},{"type":"D","parent":0},{"type":"E"}]"#
            ),
            (
                #""exception":{"message":"A","code":42,"handled":false,"module":"m","attributes":{"a":{"b":null},"c":1}}"#,
                #"[{"message":"A","code":"42","handled":false,"module":"m","attributes":{"c":1}}]"#
            ),
            (
                #""exception":{"message":"A","code":"X","handled":true,"stacktrace":[],"attributes":{}}"#,
                #"[{"message":"A","code":"X","handled":true}]"#
            ),
        ]
    )
    func exceptions(_ members: String, expected: String) throws {
        #expect(try document(members)["error.exception"] == JSONTree(expected))
    }

    @Test(
        "show frames as far as they are known",
        arguments: [
            (#"{"filename":"f"}"#, #"{"exclude_from_grouping":false,"filename":"f"}"#),
            (
                #"{"classname":"c","lineno":0,"colno":0,"library_frame":false,"vars":{},"pre_context":[],"post_context":[]}"#,
                #"{"exclude_from_grouping":false,"classname":"c","line":{"number":0,"column":0}}"#
            ),
            (
                """
                {"filename":"f","abs_path":"/f","module":"m","function":"fn","library_frame":true,"lineno":7,\
                "context_line":"x","pre_context":["a",""],"post_context":["b"],"vars":{"v":{"w":[null,1.50]}}}
                """,
                """
                {"exclude_from_grouping":false,"filename":"f","abs_path":"/f","module":"m","function":"fn",
                 "library_frame":true,"line":{"number":7,"context":"x"},
                 "context":{"pre":["a",""],"post":["b"]},"vars":{"v":{"w":[1.5]}}}
                """
            ),
        ]
    )
    func frames(_ frame: String, expected: String) throws {
        let document = try document(#""log":{"message":"m","stacktrace":[\#(frame)]}"#)
        #expect(document["error.log.stacktrace"] == .array([try JSONTree(expected)]))
    }

    @Test(
        "carry what they belong to",
        arguments: [
            (
                """
                "trace_id":"t","parent_id":"p","transaction_id":"x","culprit":"c","transaction":{"sampled":true,\
                "type":"request","name":"n"},"context":{"custom":{"a.b":1,"c":{"d.e":null}}},\
                "exception":{"message":"e"},"log":{"message":"l","level":"warning","logger_name":"g"}
                """,
                """
                {"trace":{"id":"t"},"parent":{"id":"p"},"span":{"id":"x"},
                 "transaction":{"id":"x","name":"n","type":"request","sampled":true},"message":"l",
                 "processor":{"event":"error"},"timestamp":{"us":1000000},"event":{"dataset":"apm.error"},
                 "error":{"id":"1","culprit":"c","custom":{"a_b":1},
                   "log":{"message":"l","level":"warning","logger_name":"g"}}}
                """,
                ["source", "http"]
            ),
            (
                #""exception":{"message":"e"},"transaction":{"sampled":false}"#,
                #"{"message":"e"}"#,
                ["transaction", "span", "trace", "parent", "error.log"]
            ),
            (
                #""log":{"message":"l"}"#, #"{"error":{"log":{"message":"l","level":"error"}}}"#,
                ["error.log.logger_name", "error.exception"]
            ),
        ]
    )
    func belongings(_ members: String, expected: String, absent: [String]) throws {
        let document = try document(members)
        #expect(document.missing(of: try JSONTree(expected), "") == [])
        #expect(absent.filter { document[$0] != nil } == [])
    }

    @Test(
        "of RUM v3 default a logger, and name a transaction only with what they know of it",
        arguments: [
            (#""xid":"x","x":{"t":"page-load"}"#, "x" as String?), (#""xid":"x""#, nil),
        ]
    )
    func rumErrors(_ members: String, transactionID: String?) throws {
        let line = #"{"e":{"id":"1","tid":"t","pid":"p",\#(members),"log":{"mg":"m"}}}"#
        let document = try #require(try DocumentRun(rumMetadata, line).documents.first)
        #expect(document.dataStream == "logs-apm.error-default")
        #expect(document.tree["transaction.id"]?.text == transactionID)
        #expect(document.tree["span"] == nil)
        #expect(document.tree["error.log.logger_name"]?.text == "default")
    }

    @Test(
        "of browsers have frames of libraries, whatever the agent says of them",
        arguments: [
            (true, #""filename":"a/~/x.js""#, #"{"library_frame":true}"#),
            (true, #""filename":"x.js","abs_path":"/node_modules/x""#, #"{"library_frame":true}"#),
            (true, #""filename":"x.js","library_frame":true"#, #"{"original":{"library_frame":true}}"#),
            (
                true, #""filename":"bower_components\u002fx","library_frame":true"#,
                #"{"library_frame":true,"original":{"library_frame":true}}"#
            ),
            (true, #""classname":"~","filename":"""#, #"{}"#),
            (false, #""filename":"node_modules/x""#, #"{}"#),
        ]
    )
    func rumFrames(_ isRUM: Bool, frame: String, marks: String) throws {
        let document = try document(
            #""log":{"message":"m","stacktrace":[{\#(frame)}]}"#,
            request: isRUM ? DocumentRun.browser : DocumentRun.backend
        )
        let found = try #require(document["error.log.stacktrace"]?.elements.first)
        let expected = try JSONTree(marks)
        for mark in ["library_frame", "original"] { #expect(found[mark] == expected[mark]) }
    }

    @Test(
        "of browsers are grouped without excluded frames, unless they name a transaction in intake v2",
        arguments: [
            // Ef, then E/webpack/xgf
            ("", true, "e90711b3768a4b5e"),
            (#""trace_id":"t","parent_id":"p","transaction_id":"x","#, false, "c5787baad254c113"),
        ]
    )
    func rumGrouping(_ members: String, isExcluded: Bool, key: String) throws {
        let document = try document(
            """
            \(members)"exception":{"type":"E","stacktrace":[{"filename":"/webpack/x","function":"g"},\
            {"filename":"","classname":"f"}]}
            """,
            request: DocumentRun.browser
        )
        let frame = try #require(document["error.exception"]?.elements.first?["stacktrace"]?.elements.first)
        #expect(frame["exclude_from_grouping"] == .bool(isExcluded))
        #expect(document["error.grouping_key"]?.text == key)
    }

    /// Keys of the Python package xxhash over the texts that the frames of the requests give.
    @Test(
        "of the Python agent have the keys that others compute",
        arguments: [
            ("intake-error", ["5b9bc3a52d17f28d", "4888f26ee0df1394", "3b888f1b0d12638d"]),
            ("intake-django", ["d97bff35b674d4a3"]),
        ]
    )
    func agentErrors(_ name: String, keys: [String]) throws {
        let run = try DocumentRun(try IntakeFixture.bytes("apm-agent/\(name).ndjson"))
        #expect(run.errors == [])
        #expect(run.documents.compactMap { $0.tree["error.grouping_key"]?.text } == keys)
    }

    private let rumMetadata = #"{"m":{"se":{"n":"a","a":{"n":"rum-js","ve":"5"}}}}"#

    private func document(
        _ members: String,
        request: RequestContext = DocumentRun.backend
    ) throws -> JSONTree {
        let run = try DocumentRun(
            #"{"metadata":{"service":{"name":"a","agent":{"name":"java","version":"1"}}}}"#,
            #"{"error":{"id":"1","timestamp":1000000,\#(members)}}"#,
            request: request
        )
        #expect(run.errors == [])
        let document = try #require(run.documents.first)
        #expect(document.dataStream == "logs-apm.error-default")
        return document.tree
    }
}
