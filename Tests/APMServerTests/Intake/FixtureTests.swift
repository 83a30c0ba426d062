import Common
import Foundation
import Testing

@testable import APMServer

@Suite("Decoding recorded requests")
struct FixtureTests {
    @Test("gives the errors that are expected, and no others", arguments: IntakeFixture.names)
    func errors(name: String) throws {
        var decoder = EventDecoder()
        var fields = EventFields()
        var messages: [(text: String, line: String)] = []
        for (index, line) in try IntakeFixture.lines(name).enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            do throws(IntakeError) {
                if index == 0 {
                    try decoder.metadata(line.span.bytes, into: &fields)
                } else {
                    _ = try decoder.event(line.span.bytes, into: &fields)
                }
            } catch {
                messages.append((error.message, text))
                if index == 0 { break }
            }
        }
        let expected = try Self.expectedErrors(name)
        try #require(messages.count == expected.count)
        for (message, expected) in zip(messages, expected) {
            #expect(message.line == expected["document"] as? String)
            let text = try #require(expected["message"] as? String)
            if expected["message_exact"] as? Bool == true {
                #expect(message.text == text)
            } else {
                #expect(message.text.hasPrefix("decode error: data read error: "))
            }
        }
    }

    private static func expectedErrors(_ name: String) throws -> [[String: Any]] {
        let url = IntakeFixture.folder
            .appendingPathComponent(name.replacingOccurrences(of: ".ndjson", with: ".expected.json"))
        guard let data = try? Data(contentsOf: url) else { return [] }
        let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return (root?["response"] as? [String: Any])?["errors"] as? [[String: Any]] ?? []
    }

    @Test("all fixtures are found")
    func names() { #expect(IntakeFixture.names.count == 25) }
}
