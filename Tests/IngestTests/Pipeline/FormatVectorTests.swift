import Foundation
import TestSupport
import Testing

@testable import Common
@testable import Ingest

/// Lines of servers and programs against documents that were worked out elsewhere (Tests/Fixtures/logs/README.md), each through
/// the pipeline that exists for its format without configuration.
@Suite("Ready pipelines, real lines")
struct FormatVectorTests {
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
            ("nginx-error", .nginxError, []),
            ("nginx-ingress", .nginxIngress, []),
            // The proxies that the expected documents believe.
            ("nginx-json", .nginxJSON, ["114.114.114.114"]),
            ("gunicorn-access", .gunicornAccess, []),
            ("gunicorn-error", .gunicornError, []),
            ("gunicorn-error", .flask, []),
            ("django-logging-std", .django, []),
            ("ecs-json-lines", .pythonJSON, []),
            ("ecs-json-lines", .json, []),
            ("nginx-combined", .apache, []),
            ("access-combined-4k", .apache, []),
        ] as [(String, FormatName, [String])]
    )
    func documents(_ name: String, format: FormatName, proxies: [String]) throws {
        let vectors = try LogVectors(name)
        let harness = try PipelineHarness(format, enrichment: Self.enrichment) {
            $0.trustedProxies += proxies
            $0.oldestEvent = .zero
        }
        #expect(!vectors.rows.isEmpty)
        var differences: [String] = []
        for vector in vectors.rows {
            let document = try harness.document(vector.line)
            // Look-ups in databases that this machine does not have are left out.
            let lookups = vector.lookups.filter { field, _ in
                field.hasPrefix("source.geo") ? Self.database != nil : Self.rules != nil
            }
            let fields = vector.expected.merging(lookups) { $1 }.merging(vector.extra) { $1 }
            for (field, value) in fields {
                // nginx's name for the list is not the one of other servers.
                if format == .apache, field == "nginx.access.remote_ip_list" { continue }
                if !LogVectors.areEqual(document[field], value), !Self.isEmpty(value, document[field]) {
                    differences.append(
                        "line \(vector.number): \(field) is \(document[field] ?? "missing"), not \(value)"
                    )
                }
            }
            if document.string("event.original") != vector.line || !document.tags.isEmpty {
                differences.append("line \(vector.number): \(document.text.prefix(300))")
            }
        }
        #expect(
            differences.isEmpty,
            "\(differences.count): \(differences.prefix(20).joined(separator: "\n"))"
        )
    }

    /// Whether empty text stands for a field that is not there: the same to Elasticsearch.
    private static func isEmpty(_ expected: Any, _ found: Any?) -> Bool {
        expected as? String == "" && found == nil
    }

    @Test("lines of an ingress that the module of Filebeat cannot parse")
    func ingress() throws {
        let rows = try LogVectors("nginx-ingress").rows.filter(\.isUnparsed)
        let harness = try PipelineHarness(.nginxIngress) { $0.oldestEvent = .zero }
        let documents = try rows.map { try harness.document($0.line) }
        #expect(documents.map(\.tags) == [[], [], []])
        #expect(documents.map { $0.string("http.request.method") } == ["POST", "GET", "GET"])
        let object = "nginx.ingress_controller"
        #expect(documents[0].string("\(object).upstream.ip") == "2a02:cf40::")
        #expect(documents[0]["\(object).upstream.port"] as? Int == 9200)
        #expect(documents[0].string("user.name") == "remote_monitoring_user")
        #expect(
            documents[1]["\(object).upstream_address_list"] as? [String] == ["unix:/var/run/php-fpm.sock"]
        )
        #expect(documents[1]["\(object).upstream.ip"] == nil)
        #expect(documents[2]["\(object).upstream.response.time"] as? Double == 0.1)
        #expect(documents[2]["\(object).upstream.response.status_code"] == nil)
    }

    /// A file of the programs' own lines, joined to events as the shipper's rule for Python does it.
    @Test(
        "every line of a real server is understood",
        arguments: [
            ("nginx-error", .nginxError, ""), ("gunicorn-access", .gunicornAccess, ""),
            ("gunicorn-error", .gunicornError, "["), ("flask-dev-server", .flask, "[1 *\u{1B}"),
            ("flask-dev-server", .werkzeug, "[1 *\u{1B}"), ("django-runserver", .django, "[INPSDQWF"),
        ] as [(String, FormatName, String)]
    )
    func real(_ name: String, format: FormatName, starts: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs-real/\(name).log")))
        var events: [String] = []
        // Without the end of the last line.
        let text = String(decoding: data.dropLast(), as: UTF8.self)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isStart = line.first.map { starts.isEmpty || (starts.contains($0) && !line.hasPrefix("  ")) }
            if isStart == true || events.isEmpty {
                events.append(String(line))
            } else {
                events[events.count - 1] += "\n\(line)"
            }
        }
        let harness = try PipelineHarness(format)
        #expect(events.count > 6)
        for event in events {
            let document = try harness.document(event)
            #expect(document.tags == [], "\(document.text.prefix(400))")
            #expect(document.string("event.original") == event)
            if format != .gunicornAccess { #expect(document.string("message") != nil) }
            #expect((document["error.type"] != nil) == event.contains("\nTraceback"), "\(event)")
        }
    }
}
