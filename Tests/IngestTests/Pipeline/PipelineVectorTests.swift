import TestSupport
import Testing

@testable import Common
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

    private static let database = InstalledGeoIPDatabase.path
    private static let rules = try? UserAgentRules(path: "/usr/share/uap-core/regexes.yaml")

    private static var enrichment: Enrichment {
        Enrichment(
            userAgents: rules.map { UserAgentCache(rules: $0, entries: 1000) },
            places: database.map { GeoIPCache(source: GeoIPSource(path: $0)) }
        )
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
        let harness = try PipelineHarness(enrichment: Self.enrichment) { configuration in
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
            // Look-ups in databases that this machine does not have are left out.
            let lookups = vector.lookups.filter { field, _ in
                field.hasPrefix("source.geo") ? Self.database != nil : Self.rules != nil
            }
            let fields = vector.expected.merging(lookups) { expected, _ in expected }
            for (field, value) in fields where !LogVectors.areEqual(document[field], value) {
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
