import Common
import Foundation
import Testing

@Suite("APM schema")
struct APMSchemaTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private static let products = [
        ElasticsearchProduct(kind: .elasticsearch, version: "7.17.0"),
        ElasticsearchProduct(kind: .elasticsearch, version: "8.15.3"),
        ElasticsearchProduct(kind: .openSearch, version: "2.19.0"),
    ]

    @Test("has a template for every kind of stream or daily index", arguments: products, [false, true])
    func templates(_ product: ElasticsearchProduct, isClassic: Bool) throws {
        var schema = APMSchema()
        schema.isClassic = isClassic
        var patterns: [String] = []
        for template in schema.templates {
            let body = try object(template.body(on: product, hasLifecycle: true))
            patterns += body["index_patterns"] as? [String] ?? []
            #expect((body["data_stream"] != nil) == !isClassic)
            let inner = try #require(body["template"] as? [String: Any])
            let settings = try #require((inner["settings"] as? [String: Any])?["index"] as? [String: Any])
            #expect((settings["mapping"] as? [String: Any])?["ignore_malformed"] as? String == "true")
            #expect((settings["lifecycle"] as? [String: String])?["name"] == template.name)
            #expect(settings["sort"] as? [String: String] == ["field": "@timestamp", "order": "desc"])
            let mappings = try #require(inner["mappings"] as? [String: Any])
            #expect(mappings["date_detection"] as? Bool == false)
            let rules = try #require(mappings["dynamic_templates"] as? [[String: Any]])
            #expect(
                rules.flatMap(\.keys).sorted() == [
                    "labels.*", "numbers_double", "numbers_long", "numeric_labels.*", "strings",
                ]
            )
        }
        let expected =
            isClassic
            ? ["apm-*-error-*", "apm-*-log-*", "apm-*-metric-*", "apm-*-span-*", "apm-*-transaction-*"]
            : ["logs-apm*", "metrics-apm*", "metrics-apm.*.10m-*", "metrics-apm.*.60m-*", "traces-apm*"]
        #expect(patterns.sorted() == expected)
    }

    @Test("prefers the pattern that says more")
    func priorities() throws {
        let bodies = try APMSchema().templates.map { template in
            try object(template.body(on: Self.products[1], hasLifecycle: false))
        }
        let priorities = bodies.compactMap { $0["priority"] as? Int }
        // traces, logs, metrics, metrics-10m, metrics-60m
        #expect(priorities[3] > priorities[2] && priorities[4] > priorities[2])
    }

    @Test(
        "gives each field the type that the product has",
        arguments: [
            (1, "traces", "transaction.duration.us", "long"), (1, "traces", "timestamp.us", "long"),
            (1, "traces", "transaction.representative_count", "scaled_float"),
            (1, "traces", "span.stacktrace", "object"), (1, "traces", "http.request.headers", "object"),
            (1, "traces", "event.success_count", "byte"), (1, "traces", "client.geo.location", "geo_point"),
            (1, "logs", "error.exception.stacktrace", "object"),
            (1, "logs", "error.grouping_name", "keyword"),
            (1, "logs", "message", "match_only_text"), (1, "logs", "error.custom", "object"),
            (1, "metrics", "transaction.duration.histogram", "histogram"),
            (1, "metrics", "transaction.duration.summary", "aggregate_metric_double"),
            (1, "metrics", "event.success_count", "aggregate_metric_double"),
            (2, "metrics", "transaction.duration.histogram", "object"),
            (2, "metrics", "event.success_count", "object"), (2, "metrics", "host.ip", "ip"),
        ] as [(Int, String, String, String)]
    )
    func types(product: Int, kind: String, field: String, type: String) throws {
        let template = try #require(APMSchema().templates.first { $0.name == "elkfa-apm-\(kind)" })
        let body = try object(template.body(on: Self.products[product], hasLifecycle: false))
        var node: [String: Any] = try #require(
            (body["template"] as? [String: Any])?["mappings"] as? [String: Any]
        )
        for name in field.split(separator: ".") {
            let properties = try #require(node["properties"] as? [String: Any])
            node = try #require(properties[String(name)] as? [String: Any])
        }
        #expect(node["type"] as? String == type)
    }

    @Test(
        "lets the store name groups of errors where it can",
        arguments: [
            (ElasticsearchProduct(kind: .elasticsearch, version: "7.13.4"), false),
            (ElasticsearchProduct(kind: .elasticsearch, version: "7.17.0"), true),
            (ElasticsearchProduct(kind: .elasticsearch, version: "8.15.3"), true),
            (ElasticsearchProduct(kind: .openSearch, version: "2.19.0"), false),
            (ElasticsearchProduct(kind: .unknown, version: "8.0.0"), false),
        ]
    )
    func groupingName(product: ElasticsearchProduct, isScripted: Bool) throws {
        let template = try #require(APMSchema().templates.first { $0.name == "elkfa-apm-logs" })
        let body = template.body(on: product, hasLifecycle: false)
        _ = try object(body)
        #expect(body.contains(#""script":{"source":"def error"#) == isScripted)
        #expect(body.contains(#""grouping_name":{"type":"keyword","ignore_above":1024"#))
    }

    @Test("keeps documents as long as Elasticsearch's own policies do, and rolls streams over on the way")
    func retention() throws {
        let policies = APMSchema().templates.compactMap { LifecyclePolicy($0) }
        let days = policies.map { Int($0.deleteAfter / .seconds(86400)) }
        #expect(days == [10, 10, 90, 180, 390])
        let ilm = try object(policies[0].indexLifecycle)
        let phases = (ilm["policy"] as? [String: Any])?["phases"] as? [String: [String: Any]]
        let hot = phases?["hot"]?["actions"] as? [String: [String: String]]
        #expect(hot == ["rollover": ["max_age": "1d", "max_size": "50gb"]])
        #expect(phases?["delete"]?["min_age"] as? String == "10d")
        let ism = try object(policies[4].indexStateManagement)
        let states = (ism["policy"] as? [String: Any])?["states"] as? [[String: Any]]
        let transitions = states?.first?["transitions"] as? [[String: Any]]
        #expect((transitions?.first?["conditions"] as? [String: String]) == ["min_rollover_age": "390d"])
    }

    @Test("reads its section and refuses what is wrong")
    func configuration() throws {
        func read(_ text: String) throws -> APMSchema {
            let reader = try ConfigurationReader.parse(Array(text.utf8), source: "x.yml")
            let schema = APMSchema(reader)
            try reader.finish()
            return schema
        }
        #expect(try read("") == APMSchema())
        let all = try read(
            "install: false\nshards: 2\nreplicas: 0\nrefresh_interval: 1s\n"
                + "delete_after: {traces: 1d, logs: 2d, metrics: 3d, metrics_10m: 4d, metrics_60m: 0}"
        )
        #expect(!all.isInstalled && all.shards == 2 && all.replicas == 0 && all.templates.isEmpty)
        #expect(all.deleteAfter.traces == .seconds(86400) && all.deleteAfter.metrics60m == .zero)
        #expect(throws: ConfigurationError.self) { try read("delete_after: 3d") }
    }

    @Test(
        "recognises templates that came with the store",
        arguments: [
            (#"{"index_templates":[]}"#, false), ("{}", false), ("no json", false),
            // Elasticsearch 8.15's own, and those of Fleet's package.
            (#"["traces-apm-*"],"data_stream":{"hidden":false},"_meta":{"managed":true}"#, true),
            (
                #"["traces-apm-*"],"data_stream":{},"_meta":{"package":{"name":"apm"},"managed_by":"fleet"}"#,
                true
            ),
            (#"["logs-*","traces-apm.rum-*"],"data_stream":{}"#, true),
            (#"["traces-apm*"],"data_stream":{},"_meta":{"managed_by":"elkfa","content":"x"}"#, false),
            (#"["traces-apm*"]"#, false), (#"["traces-*-*"],"data_stream":{}"#, false),
        ] as [(String, Bool)]
    )
    func builtIn(text: String, isBuiltIn: Bool) {
        let whole =
            text.hasPrefix("[")
            ? #"{"index_templates":[{"name":"a","index_template":{"index_patterns":["x"]}},"#
                + #"{"name":"b","index_template":{"index_patterns":\#(text)}}]}"# : text
        #expect(BuiltInTemplates.cover("traces-apm", in: Array(whole.utf8).span.bytes) == isBuiltIn)
    }
}
