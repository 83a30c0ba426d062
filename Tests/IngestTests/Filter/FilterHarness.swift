import Common
import Foundation
import Testing

@testable import Ingest

/// Filters of a configuration, with records as a pipeline gives them.
final class FilterHarness {
    let chain: FilterChain
    let counters: [FilterCounters]
    let ids: [String]

    /// - Parameter filters: the entries of `filters` as YAML.
    init(_ filters: String, enrichment: Enrichment? = nil) throws {
        let steps = try Self.steps(filters)
        let program = FilterProgram(steps)
        let metrics = Metrics()
        ids = program.steps.map(\.id)
        counters = program.steps.map { FilterCounters(metrics, pipeline: "test", filter: $0.name, id: $0.id) }
        chain = try FilterChain(
            program,
            counters: counters,
            workplace: FilterWorkplace(enrichment: enrichment, pipeline: "test")
        )
    }

    /// The documents that an event becomes, as JSON with the members in their order.
    func run(_ json: String) throws -> [String] {
        let record = Record()
        let bytes = Array(json.utf8)
        try record.load(bytes.span.bytes)
        var documents: [String] = []
        chain.run(record) { document, number in
            #expect(number == documents.count)
            var text = ByteBuffer()
            document.write(into: &text)
            documents.append(text.text)
        }
        return documents
    }

    /// What is wrong with filters, one complaint a line; empty when nothing is.
    static func complaints(_ filters: String) -> String {
        do {
            _ = try steps(filters)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private static func steps(_ filters: String) throws -> [FilterStep] {
        let lines = filters.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }
        let yaml = "filters:\n" + lines.joined()
        let reader = try ConfigurationReader.parse(Array(yaml.utf8), source: "test.yml")
        var ids: Set<String> = []
        let steps = FilterStep.steps(reader, "filters", ids: &ids)
        try reader.finish()
        return steps
    }
}

/// One event through some filters: a row of a table.
struct FilterRow: Sendable, CustomTestStringConvertible {
    let filters: String
    let input: String
    let expected: [String]

    init(_ filters: String, _ input: String, _ expected: String...) {
        self.filters = filters
        self.input = input
        self.expected = expected
    }

    var testDescription: String { "\(filters): \(input.prefix(100))" }

    func check(enrichment: Enrichment? = nil) throws {
        let found = try FilterHarness(filters, enrichment: enrichment).run(input)
        #expect(found == expected)
    }
}
