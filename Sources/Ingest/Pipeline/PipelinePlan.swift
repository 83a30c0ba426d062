import CLinux
import Common

/// What every worker makes its own pipelines from: one for each input, all with the same table of fields.
struct PipelinePlan: Sendable {
    private let configurations: [PipelineConfiguration]
    private let counters: [PipelineCounters]
    private let indexCaps: [IndexCap]
    private let table: FieldTable
    private let databases: EnrichmentDatabases
    private let filters: [PipelineFiltersPlan?]

    /// - Parameter configurations: the pipeline of each input, in the order of the inputs.
    /// - Parameter samples: takes lines that were not understood in full.
    init(
        _ configurations: [PipelineConfiguration],
        databases: EnrichmentDatabases,
        metrics: Metrics,
        samples: RejectSamples = RejectSamples()
    ) throws {
        self.configurations = configurations
        self.databases = databases
        databases.open(geoip: configurations.flatMap { GeoIPPlan.databases(in: $0.filters) })
        counters = configurations.map { PipelineCounters(metrics, pipeline: $0.name, samples: samples) }
        let indexCaps = configurations.map { IndexCap(limit: $0.maxIndices) }
        self.indexCaps = indexCaps
        filters = zip(configurations, indexCaps).map {
            PipelineFiltersPlan($0, cap: $1, metrics: metrics, samples: samples)
        }
        table = try FieldTable(names: try configurations.flatMap { try $0.fieldNames() })
    }

    /// The values of the labels of all filters' metrics.
    var filterLabels: Set<[String]> { Set(filters.flatMap { $0?.labels ?? [] }) }

    /// Pipelines for one thread, with caches of their own.
    func pipelines() throws -> [Pipeline] {
        let enrichment = Enrichment(databases)
        return try configurations.indices.map { index in
            let pipeline = try Pipeline(
                configurations[index],
                table: table,
                counters: counters[index],
                indexCap: indexCaps[index],
                enrichment: enrichment,
                seed: Self.randomSeed()
            )
            pipeline.filters = try filters[index]?.filters(enrichment: enrichment)
            return pipeline
        }
    }

    /// Unlike any other process's, so that ids of events without origin never meet.
    private static func randomSeed() -> SipHash.Value {
        var words: (UInt64, UInt64) = (0, 0)
        guard getrandom(&words, 16, 0) == 16 else { fatalError("getrandom has no random bytes") }
        return SipHash.Value(low: words.0, high: words.1)
    }
}
