import Common

/// What every worker makes its own inputs from.
struct InputPlan: Sendable {
    private let inputs: [OpenInput]
    private let pipelines: PipelinePlan
    private let outlets: [Outlet]
    private let metrics: IngestMetrics

    /// - Parameters:
    ///   - inputs: each names a pipeline for which `outlets` has an outlet.
    ///   - pipelines: one for each of the inputs, in their order.
    init(_ inputs: [OpenInput], pipelines: PipelinePlan, outlets: Outlets, metrics: IngestMetrics) {
        self.inputs = inputs
        self.pipelines = pipelines
        self.outlets = inputs.map { outlets.outlet(pipeline: $0.configuration.pipeline) }
        self.metrics = metrics
    }

    /// The inputs of one worker, with pipelines and TLS contexts of their own.
    func workerInputs() throws -> WorkerInputs {
        var entries: [WorkerInputs.Entry] = []
        for (index, pipeline) in try pipelines.pipelines().enumerated() {
            let input = inputs[index]
            entries.append(
                WorkerInputs.Entry(
                    id: input.id,
                    pipeline: pipeline,
                    tls: try input.configuration.tls.settings.map { try TLSContext(server: $0) },
                    outlet: outlets[index],
                    events: metrics.events(input: input.configuration.name),
                    openConnections: metrics.openConnections(input: input.configuration.name)
                )
            )
        }
        return WorkerInputs(entries)
    }
}
