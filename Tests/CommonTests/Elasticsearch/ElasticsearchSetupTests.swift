import Common
import Foundation
import Synchronization
import Testing

@Suite("Elasticsearch set-up for APM", .timeLimit(.minutes(1)))
struct ElasticsearchSetupTests {
    /// What a store says of itself, and what must follow.
    struct Story: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var version = "8.15.3"
        /// Elements of `index_templates`.
        var templates: [String] = []
        /// Answer to `GET /_data_stream/…`.
        var streams = 200
        /// Answer to `PUT /_data_stream/…`.
        var made = (status: 200, type: "")
        var isClassic = false
        /// Names of templates installed with `data_stream`, and without.
        var withStream: [String] = []
        var plain: [String] = []
        var requiresDataStreams = false
        var hasBuiltInTemplates = false
    }

    private static let builtIn =
        #"{"name":"traces-apm@template","index_template":{"index_patterns":["traces-apm-*"],"data_stream":{"hidden":false}}}"#
    private static let other =
        #"{"name":"logs","index_template":{"index_patterns":["logs-*-*"],"data_stream":{"hidden":false}}}"#
    private static let all = ["logs", "metrics", "metrics-10m", "metrics-60m", "traces"]

    static let stories = [
        Story(
            testDescription: "Elasticsearch with its own templates",
            templates: [other, builtIn],
            requiresDataStreams: true,
            hasBuiltInTemplates: true
        ),
        Story(
            testDescription: "8.12 with Fleet's templates",
            version: "8.12.0",
            templates: [builtIn],
            hasBuiltInTemplates: true
        ),
        Story(testDescription: "Elasticsearch without templates", templates: [other], withStream: all),
        Story(
            testDescription: "a stream that exists",
            made: (400, "resource_already_exists_exception"),
            withStream: all
        ),
        Story(
            testDescription: "no right to make streams",
            made: (403, "security_exception"),
            withStream: all
        ),
        Story(testDescription: "no API of data streams", streams: 400, plain: all),
        Story(
            testDescription: "an API without data streams behind it",
            made: (400, "unsupported_operation_exception"),
            withStream: ["traces"],
            plain: all
        ),
        Story(
            testDescription: "daily indices",
            templates: [builtIn],
            isClassic: true,
            plain: ["daily-logs", "daily-metrics", "daily-traces"]
        ),
    ]

    @Test("finds out what the store has and installs what is missing", arguments: stories)
    func prepares(_ story: Story) async throws {
        let store = try FaultyStore { request in
            switch (request.method, request.path.prefix { $0 != "?" }) {
            case ("GET", "/"):
                .status(
                    200,
                    #"{"version":{"number":"\#(story.version)"}}"#,
                    headers: [
                        "X-Elastic-Product: Elasticsearch"
                    ]
                )
            case ("GET", "/_index_template"):
                .status(200, #"{"index_templates":[\#(story.templates.joined(separator: ","))]}"#)
            case ("GET", let path) where path.hasPrefix("/_data_stream"): .status(story.streams, "{}")
            case ("PUT", let path) where path.hasPrefix("/_data_stream"):
                .status(story.made.status, #"{"error":{"type":"\#(story.made.type)","reason":"x"}}"#)
            case ("PUT", _): .status(200, #"{"acknowledged":true}"#)
            case ("GET", _): .status(404, "{}")
            default: .items(request.ids.map { _ in 201 })
            }
        }
        defer { store.stop() }
        var settings = ElasticsearchSettings(hosts: [try store.address])
        settings.concurrentRequests = 1
        let indexer = BulkIndexer(settings, service: "test", metrics: Metrics()) { _, _ in }
        var schema = APMSchema()
        schema.isClassic = story.isClassic
        try indexer.start(setup: ElasticsearchSetup(schema))
        let batch = indexer.emptyBatch()
        batch.append(
            index: Array("traces-apm-default".utf8).span.bytes,
            id: Array("a".utf8).span.bytes,
            document: Array("{}".utf8).span.bytes
        )
        let stored = Atomic(false)
        #expect(indexer.submit(batch) { _ in stored.store(true, ordering: .relaxed) })
        while !stored.load(ordering: .relaxed) { try await Task.sleep(for: .milliseconds(2)) }
        indexer.stop(within: .seconds(1))
        let prefix = "/_index_template/elkfa-apm-"
        let put = store.requests.filter { $0.method == "PUT" && $0.path.hasPrefix(prefix) }
        func names(_ isStream: Bool) -> [String] {
            // This store forgets what it was told, and is told again.
            Set(
                put.filter { $0.body.contains(#""data_stream":{}"#) == isStream }
                    .map { String($0.path.dropFirst(prefix.count)) }
            ).sorted()
        }
        #expect(names(true) == story.withStream)
        #expect(names(false) == story.plain)
        // A policy that deletes by age is for indices that others follow.
        let policies = Set(
            store.requests.filter { $0.method == "PUT" && $0.path.hasPrefix("/_ilm") }.map(\.path)
        )
        #expect(policies.count == (story.isClassic ? 3 : story.withStream.count))
        let bulk = try #require(store.bulkRequests.first?.path)
        #expect(bulk.hasSuffix("&require_data_stream=true") == story.requiresDataStreams)
        #expect(indexer.traits.hasBuiltInTemplates == story.hasBuiltInTemplates)
    }
}
