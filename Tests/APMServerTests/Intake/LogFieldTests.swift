import Common
import Testing

@testable import APMServer

@Suite("Names in log events")
struct LogFieldTests {
    private static let names: [(path: [String], field: Field, isNumber: Bool)] = [
        (["log", "level"], .logLevel, false), (["log", "logger"], .loggerName, false),
        (["log", "origin", "function"], .originFunction, false),
        (["log", "origin", "file", "name"], .originFileName, false),
        (["log", "origin", "file", "line"], .originFileLine, true),
        (["error", "type"], .errorType, false), (["error", "message"], .errorMessage, false),
        (["error", "stack_trace"], .errorStackTrace, false), (["event", "dataset"], .eventDataset, false),
        (["process", "thread", "name"], .threadName, false), (["service", "name"], .serviceName, false),
        (["service", "version"], .serviceVersion, false),
        (["service", "environment"], .serviceEnvironment, false),
        (["service", "node", "name"], .serviceNodeName, false),
    ]

    @Test("come flat or nested, and nested ones win in either order", arguments: names.indices)
    func flatAndNested(index: Int) throws {
        let (path, field, isNumber) = Self.names[index]
        let value = { (text: String) in isNumber ? text : "\"\(text)\"" }
        let flat = "\"\(path.joined(separator: "."))\":\(value("1"))"
        let nested = String(
            path.reversed().reduce(value("2")) { "{\"\($1)\":\($0)}" }.dropFirst().dropLast()
        )
        for (members, expected) in [
            (flat, "1"), (nested, "2"), (flat + "," + nested, "2"), (nested + "," + flat, "2"),
        ] {
            try #expect(decoded(members, field) == expected)
        }
    }

    @Test(
        "that have no groups come flat only",
        arguments: [
            ("trace.id", Field.traceID), ("transaction.id", .transactionID), ("span.id", .spanID),
            ("message", .message),
        ]
    )
    func flat(name: String, field: Field) throws {
        try #expect(decoded("\"\(name)\":\"1\"", field) == "1")
    }

    @Test("time, labels and function")
    func others() throws {
        try #expect(decoded(#""@timestamp":"2022-09-08T13:47:29Z""#, .timestamp) == "2022-09-08T13:47:29Z")
        try #expect(decoded(#""labels":{"a":1}"#, .labels) == #"{"a":1}"#)
        try #expect(decoded(#""faas":{"coldstart":true}"#, .faasColdstart) == "true")
        #expect(refusal(of: #"{"log":{"@timestamp":"yesterday"}}"#) != nil)
    }

    private func decoded(_ members: String, _ field: Field) throws -> String {
        var decoder = EventDecoder()
        var fields = EventFields()
        let line = Array("{\"log\":{\(members)}}".utf8)
        try #require(decoder.decode(line, into: &fields) == .event(.log))
        return fields[field].string(line.span.bytes)
    }
}
