import Common
import Foundation
import Testing

@testable import Ingest

@Suite("Filters geoip and user_agent")
struct LookupFilterTests {
    private static let rules = "/usr/share/uap-core/regexes.yaml"
    private static let networks = Fixture.path("geoip/tiny-asn.mmdb")

    private func enrichment(rules: String = "") -> Enrichment {
        let databases = EnrichmentDatabases(
            EnrichmentConfiguration(geoipDatabase: Fixture.path("geoip/tiny.mmdb"), userAgentRegexes: rules)
        )
        databases.open(geoip: [Self.networks, Fixture.path("geoip/tiny.mmdb")])
        return Enrichment(databases)
    }

    private static let germany =
        #"{"country_iso_code":"DE","country_name":"Germany","location":{"lat":51.0,"lon":9.0}}"#
    private static let failed = #""tags":["_geoip_lookup_failure"]"#

    @Test(
        "geoip",
        arguments: [
            FilterRow(
                "- geoip: {}",
                #"{"source":{"ip":"2001:db8::1"}}"#,
                #"{"source":{"ip":"2001:db8::1","geo":\#(germany)}}"#
            ),
            FilterRow(
                "- geoip: {field: clientip, target: geoip}",
                #"{"clientip":"2001:db8::1"}"#,
                #"{"clientip":"2001:db8::1","geoip":\#(germany)}"#
            ),
            FilterRow(
                "- geoip: {field: client.ip}",
                #"{"client":{"ip":["10.0.0.1","x",5,"[2001:db8::1]:80"]}}"#,
                #"{"client":{"ip":["10.0.0.1","x",5,"[2001:db8::1]:80"],"geo":\#(germany)}}"#
            ),
            FilterRow(
                "- geoip: {field: client.ip, database: \(networks)}",
                #"{"client":{"ip":"1.2.3.4"}}"#,
                #"{"client":{"ip":"1.2.3.4","as":{"number":64500,"organization":{"name":"Example \"Net\""}}}}"#
            ),
            FilterRow(
                "- geoip: {field: a, database: \(networks), as_target: b.c}",
                #"{"a":"::ffff:1.2.3.4"}"#,
                #"{"a":"::ffff:1.2.3.4","b":{"c":{"number":64500,"organization":{"name":"Example \"Net\""}}}}"#
            ),
            FilterRow(
                "- geoip: {field: a, database: \(networks)}",
                #"{"a":"2001:db8::"}"#,
                #"{"a":"2001:db8::","source":{"as":{"number":4200000000}}}"#
            ),
            FilterRow("- geoip: {field: a}", #"{"a":"10.0.0.1"}"#, #"{"a":"10.0.0.1",\#(failed)}"#),
            FilterRow("- geoip: {field: a}", #"{"a":"no address"}"#, #"{"a":"no address",\#(failed)}"#),
            FilterRow("- geoip: {field: a}", #"{"a":{"b":1}}"#, #"{"a":{"b":1},\#(failed)}"#),
            FilterRow("- geoip: {field: a}", #"{"a":null}"#, #"{"a":null}"#),
            FilterRow("- geoip: {field: a}", "{}", "{}"),
            FilterRow(
                "- geoip: {field: a, database: /nowhere.mmdb}",
                #"{"a":"1.2.3.4"}"#,
                #"{"a":"1.2.3.4",\#(failed)}"#
            ),
        ]
    )
    func geoip(_ row: FilterRow) throws { try row.check(enrichment: enrichment()) }

    @Test("without databases events pass, tagged")
    func withoutDatabases() throws {
        try FilterRow(
            "- geoip: {}\n- user_agent: {}",
            #"{"source":{"ip":"1.2.3.4"},"user_agent":{"original":"x"}}"#,
            #"{"source":{"ip":"1.2.3.4"},"user_agent":{"original":"x"},\#(Self.failed)}"#
        ).check()
    }

    @Test("follows the files that filters name")
    func reloads() throws {
        let path = FileManager.default.temporaryDirectory.path + "/geoip-filter-\(UUID().uuidString).mmdb"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let databases = EnrichmentDatabases(EnrichmentConfiguration(geoipDatabase: "", userAgentRegexes: ""))
        #expect(!databases.reloadIfChanged())
        databases.open(geoip: [path, path])
        let harness = try FilterHarness(
            "- geoip: {field: a, database: \(path)}",
            enrichment: Enrichment(databases)
        )
        #expect(try harness.run(#"{"a":"1.2.3.4"}"#)[0].contains("_geoip_lookup_failure"))
        try FileManager.default.copyItem(atPath: Self.networks, toPath: path)
        #expect(databases.reloadIfChanged() && !databases.reloadIfChanged())
        #expect(try harness.run(#"{"a":"1.2.3.4"}"#)[0].contains("64500"))
    }

    @Test("the databases of all filters are known")
    func collects() throws {
        let yaml = """
            pipelines:
              p:
                filters:
                  - geoip: {database: /a}
                    on_failure: [{geoip: {database: /b}}]
                  - if: x
                    then: [{geoip: {database: /c}}, {geoip: {}}]
                    else: [{geoip: {database: /a}}]
            """
        let reader = try ConfigurationReader.parse(Array(yaml.utf8), source: "t")
        let pipelines = PipelineConfiguration.all(reader)
        #expect(pipelines.map { GeoIPPlan.databases(in: $0.filters) }.first == ["/a", "/b", "/c", "/a"])
        try reader.finish()
    }

    @Test("user_agent", .enabled(if: FileManager.default.isReadableFile(atPath: rules), "needs uap-core"))
    func userAgent() throws {
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0"
        let fields =
            #""name":"Firefox","version":"115.0","device":{"name":"Other"},"os":{"name":"Windows","version":"10","full":"Windows 10"}"#
        let enrichment = enrichment(rules: Self.rules)
        try FilterRow(
            "- user_agent: {}",
            #"{"user_agent":{"original":"\#(agent)","x":1}}"#,
            #"{"user_agent":{\#(fields),"original":"\#(agent)"}}"#
        ).check(enrichment: enrichment)
        try FilterRow(
            "- user_agent: {field: agent, target: b.ua}",
            #"{"agent":"\#(agent)"}"#,
            #"{"agent":"\#(agent)","b":{"ua":{\#(fields),"original":"\#(agent)"}}}"#
        ).check(enrichment: enrichment)
        try FilterRow("- user_agent: {field: agent}", #"{"agent":""}"#, #"{"agent":""}"#).check(
            enrichment: enrichment
        )
    }
}
