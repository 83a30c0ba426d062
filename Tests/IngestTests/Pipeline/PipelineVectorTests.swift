import Testing

@testable import Ingest

/// Real lines against documents that were worked out elsewhere (Tests/Fixtures/logs/README.md).
@Suite("Pipeline, real lines")
struct PipelineVectorTests {
    struct Case: Sendable {
        let name: String
        let escape: NginxLogFormat.Escape
        /// Proxies that the expected documents believe, beyond private networks.
        ///
        /// The documents were worked out by Filebeat's rule, "the first public address"; ours believes only proxies
        /// that the operator names.
        let proxies: [String]
    }

    @Test(
        "become the expected documents",
        arguments: [
            Case(name: "access-combined-4k", escape: .default, proxies: []),
            Case(name: "beats-nginx-access", escape: .default, proxies: ["204.246.1.1"]),
            Case(name: "nginx-combined", escape: .default, proxies: []),
            Case(name: "nginx-main-xff", escape: .default, proxies: ["114.114.114.114"]),
            Case(name: "nginx-timed-upstream", escape: .default, proxies: ["114.114.114.114"]),
            Case(name: "nginx-json", escape: .json, proxies: ["114.114.114.114"]),
        ]
    )
    func documents(_ row: Case) throws {
        let vectors = try LogVectors(row.name)
        let harness = try PipelineHarness { configuration in
            configuration.escape = row.escape
            configuration.trustedProxies += row.proxies
            configuration.oldestEvent = .zero
            if let format = vectors.logFormat, row.name != "nginx-combined" {
                configuration.logFormat = format
            }
        }
        #expect(!vectors.rows.isEmpty)
        var differences: [String] = []
        for vector in vectors.rows {
            let document = try harness.document(vector.line)
            for (field, value) in vector.expected where !LogVectors.areEqual(document[field], value) {
                differences.append(
                    "line \(vector.number): \(field) is \(document[field] ?? "missing"), not \(value)"
                )
            }
            if document.string("event.original") != vector.line || document["error"] != nil {
                differences.append("line \(vector.number): \(document.text.prefix(300))")
            }
        }
        #expect(
            differences.isEmpty,
            "\(differences.count): \(differences.prefix(20).joined(separator: "\n"))"
        )
    }
}
