import CLinux
import Common

/// What every worker makes its own pipelines from: one for each input, all with the same table of fields.
struct PipelinePlan: Sendable {
    private let configurations: [PipelineConfiguration]
    private let counters: [PipelineCounters]
    private let table: FieldTable
    private let databases: EnrichmentDatabases

    /// - Parameter configurations: the pipeline of each input, in the order of the inputs.
    init(_ configurations: [PipelineConfiguration], databases: EnrichmentDatabases, metrics: Metrics) throws {
        self.configurations = configurations
        self.databases = databases
        counters = configurations.map { PipelineCounters(metrics, pipeline: $0.name) }
        table = try FieldTable(names: try configurations.flatMap { try $0.fieldNames() })
    }

    /// Pipelines for one thread, with caches of their own.
    func pipelines() throws -> [Pipeline] {
        let enrichment = Enrichment(databases)
        return try zip(configurations, counters).map { configuration, counters in
            try Pipeline(
                configuration,
                table: table,
                counters: counters,
                enrichment: enrichment,
                seed: Self.randomSeed()
            )
        }
    }

    /// Unlike any other process's, so that ids of events without origin never meet.
    private static func randomSeed() -> SipHash.Value {
        var words: (UInt64, UInt64) = (0, 0)
        guard getrandom(&words, 16, 0) == 16 else { fatalError("getrandom has no random bytes") }
        return SipHash.Value(low: words.0, high: words.1)
    }
}
