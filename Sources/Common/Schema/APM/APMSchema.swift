/// What APM documents need in the store: its own templates where it has them, ours elsewhere
/// (`output.elasticsearch.template`).
package struct APMSchema: Equatable, Sendable {
    /// How long documents are kept; zero for ever.
    package struct Retention: Equatable, Sendable {
        package var traces = Duration.seconds(10 * 86400)
        /// Errors and logs.
        package var logs = Duration.seconds(10 * 86400)
        /// Agents' metrics and the roll-ups of one minute.
        package var metrics = Duration.seconds(90 * 86400)
        /// Roll-ups of ten minutes and of one hour.
        package var metrics10m = Duration.seconds(180 * 86400)
        package var metrics60m = Duration.seconds(390 * 86400)

        package init() {}
    }

    package var isInstalled = true
    package var shards = 1
    package var replicas = 1
    package var refreshInterval = Duration.seconds(5)
    package var deleteAfter = Retention()
    /// Documents go to daily indices `apm-VERSION-EVENT-yyyy.MM.dd` instead of data streams.
    package var isClassic = false

    /// Labels and metrics that agents invent are fields too: more than log lines bring.
    private static let maxFields = 2000
    /// The beginning of the patterns by which the store's own templates are recognised.
    static let builtInPrefix = "traces-apm"
    /// Where transactions go; it comes to be in any case.
    static let firstStream = "traces-apm-default"

    package init() {}

    /// Decodes `output.elasticsearch.template`; complaints are collected in `reader`.
    package init(_ reader: ConfigurationReader, isClassic: Bool = false) {
        self.isClassic = isClassic
        isInstalled = reader.bool("install", default: isInstalled)
        shards = reader.int("shards", default: shards, in: 1...1024)
        replicas = reader.int("replicas", default: replicas, in: 0...100)
        refreshInterval = reader.duration("refresh_interval", default: refreshInterval)
        let ages = reader.section("delete_after")
        deleteAfter.traces = ages.duration("traces", default: deleteAfter.traces)
        deleteAfter.logs = ages.duration("logs", default: deleteAfter.logs)
        deleteAfter.metrics = ages.duration("metrics", default: deleteAfter.metrics)
        deleteAfter.metrics10m = ages.duration("metrics_10m", default: deleteAfter.metrics10m)
        deleteAfter.metrics60m = ages.duration("metrics_60m", default: deleteAfter.metrics60m)
    }

    /// Ours, for a store that has none.
    package var templates: [IndexTemplate] {
        guard isInstalled else { return [] }
        guard !isClassic else {
            return [
                template(
                    "traces",
                    APMFields.traces,
                    ["apm-*-transaction-*", "apm-*-span-*"],
                    deleteAfter.traces
                ),
                template("logs", APMFields.logs, ["apm-*-error-*", "apm-*-log-*"], deleteAfter.logs),
                template("metrics", APMFields.metrics, ["apm-*-metric-*"], deleteAfter.metrics),
            ]
        }
        // Stores refuse two templates of one priority whose patterns could both match.
        var hours = template(
            "metrics-60m",
            APMFields.metrics,
            ["metrics-apm.*.60m-*"],
            deleteAfter.metrics60m
        )
        hours.extraPriority = 1
        return [
            template("traces", APMFields.traces, ["traces-apm*"], deleteAfter.traces),
            template("logs", APMFields.logs, ["logs-apm*"], deleteAfter.logs),
            template("metrics", APMFields.metrics, ["metrics-apm*"], deleteAfter.metrics),
            template("metrics-10m", APMFields.metrics, ["metrics-apm.*.10m-*"], deleteAfter.metrics10m),
            hours,
        ]
    }

    private func template(
        _ name: String,
        _ fields: [SchemaField],
        _ patterns: [String],
        _ deleteAfter: Duration
    ) -> IndexTemplate {
        var template = IndexTemplate(
            name: "\(IndexTemplate.owner)-apm-\(isClassic ? "daily-" : "")\(name)",
            fields: fields
        )
        template.patterns = patterns
        template.isDataStream = !isClassic
        template.shards = shards
        template.replicas = replicas
        template.refreshInterval = refreshInterval
        template.deleteAfter = deleteAfter
        template.toleratesMalformedValues = true
        template.isSortedByTime = true
        template.maxFields = Self.maxFields
        template.dynamicRules = Self.dynamicRules
        return template
    }

    private static let dynamicRules = [
        IndexTemplate.DynamicRule(.named("labels.*"), .keyword),
        IndexTemplate.DynamicRule(.named("numeric_labels.*"), .scaledFloat(1_000_000)),
        // The first value of a metric may be whole by chance.
        IndexTemplate.DynamicRule(.numbers, .double),
    ]
}

extension ElasticsearchSetup {
    /// Uses the store's own templates for APM, or installs those of `schema` where it has none.
    package init(_ schema: APMSchema) {
        self.init(
            templates: schema.templates,
            builtInPrefix: schema.isClassic ? nil : APMSchema.builtInPrefix,
            firstStream: schema.isClassic ? nil : APMSchema.firstStream
        )
    }
}
