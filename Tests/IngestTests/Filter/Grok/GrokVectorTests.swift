import Foundation
import Testing

@testable import Ingest

/// Cases from outside: `Tests/Fixtures/logs/grok-cases.json`.
struct GrokCase: CustomTestStringConvertible, @unchecked Sendable {
    // Sendable: read once from a file and never changed.
    let pattern: String
    let text: String
    let definitions: [String: String]
    let captures: [String: Any]?

    var testDescription: String { "\(pattern) on \(text.prefix(60))" }

    static func all() throws -> [GrokCase] {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs/grok-cases.json")))
        let file = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let cases = file?["cases"] as? [[String: Any]] ?? []
        return cases.map { row in
            GrokCase(
                pattern: row["pattern"] as? String ?? "",
                text: row["text"] as? String ?? "",
                definitions: row["definitions"] as? [String: String] ?? [:],
                captures: row["captures"] as? [String: Any]
            )
        }
    }
}

@Suite("Grok vectors")
struct GrokVectorTests {
    @Test("are there") func areThere() throws { #expect(try GrokCase.all().count >= 26) }

    @Test("match as published patterns do", arguments: try GrokCase.all())
    func match(_ row: GrokCase) throws {
        let options: [String: Any] = [
            "field": "line", "patterns": [row.pattern], "pattern_definitions": row.definitions,
            "ecs_compatibility": false,
        ]
        // JSON is YAML.
        let trial = try FilterTrial("grok: \(FilterTrial.Result.json(options))")
        let result = try trial.apply(json: FilterTrial.Result.json(["line": row.text]))
        guard let captures = row.captures else {
            #expect(result.failure?.tag == .grok)
            #expect(result.fields.count == 1)
            return
        }
        #expect(result.failure == nil)
        var fields = result.fields
        fields["line"] = nil
        var expected: [String: Any] = [:]
        for (name, value) in captures {
            // One case has a nested name.
            let keys = name.split { "[]".contains($0) }.map(String.init)
            expected[keys[0]] = keys.dropFirst().reversed().reduce(value) { [$1: $0] }
        }
        #expect(FilterTrial.Result.json(fields) == FilterTrial.Result.json(expected))
    }
}
