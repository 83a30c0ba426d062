import Common
import Synchronization

/// The inputs and pipelines that run, and their exchange for those of a new configuration.
///
/// An exchange is prepared as a whole before anything of it takes effect: what fails leaves everything as it was.
final class RunningInputs: Sendable {
    /// The parts of the service that are told; they stay.
    struct Parts: Sendable {
        let samples: RejectSamples
        let outlets: Outlets
        let metrics: IngestMetrics
        let mailboxes: [WorkerMailbox]
        let listener: BeatsListener.Orders
        let output: any DocumentOutput
        /// nil where documents do not go to a store.
        let preparation: StorePreparation?
        /// As the service was started; changes of it wait for the next start.
        let template: TemplateConfiguration
    }

    private struct State {
        var inputs: [OpenInput]
        var nextID: Int
        /// Indices whose templates are in the store, or will be before the first document.
        var targets: Set<IndexTarget>
    }

    /// How long a reload waits for the store to take templates of new indices.
    private static let preparationLimit = Duration.seconds(30)

    private let parts: Parts
    /// The databases that the pipelines look into.
    let databases: EnrichmentDatabases
    private let state: Mutex<State>

    /// - Parameter inputs: those that the workers were started with.
    init(_ inputs: [OpenInput], targets: Set<IndexTarget>, databases: EnrichmentDatabases, parts: Parts) {
        self.parts = parts
        self.databases = databases
        let nextID = (inputs.map(\.id).max() ?? -1) + 1
        state = Mutex(State(inputs: inputs, nextID: nextID, targets: targets))
    }

    /// The open ports, in the order of the configuration.
    var current: [OpenInput] { state.withLock { $0.inputs } }

    /// Goes over to the inputs and pipelines of `configuration`; called by one thread only.
    ///
    /// Connections of inputs that stay are not touched: their next event meets the new pipeline.
    func replace(with configuration: Configuration) throws {
        let before = state.withLock { $0 }
        let changes = InputChanges(from: before.inputs, to: configuration.inputs)
        var nextID = before.nextID
        var ports: [BeatsListener.Port] = []
        for input in changes.added {
            ports.append(try BeatsListener.bind(input, id: nextID))
            nextID += 1
        }
        let inputs = changes.kept + ports.map(\.input)
        let pipelines = try PipelinePlan(
            inputs.compactMap { configuration.pipeline($0.configuration.pipeline) },
            databases: databases,
            metrics: parts.metrics.registry,
            samples: parts.samples
        )
        let plan = InputPlan(
            inputs,
            pipelines: pipelines,
            outlets: parts.outlets,
            metrics: parts.metrics
        )
        let workerInputs = try parts.mailboxes.map { _ in try plan.workerInputs() }
        try parts.output.addLanes(upTo: Set(inputs.map(\.configuration.pipeline)).count)
        // Pipelines may share a template: that of all there is, not of what is new alone.
        let targets = before.targets.union(configuration.indexTargets)
        if parts.template.isInstalled, targets != before.targets {
            try parts.preparation?.run(parts.template.setup(for: targets), within: Self.preparationLimit)
        }

        // From here on nothing can fail.
        for input in changes.removed { parts.listener.send(.close(input.id)) }
        for (mailbox, inputs) in zip(parts.mailboxes, workerInputs) { mailbox.send(.inputs(inputs)) }
        for port in ports { parts.listener.send(.open(port)) }
        FilterCounters.keep(only: pipelines.filterLabels, in: parts.metrics.registry)
        parts.outlets.keep(only: Set(inputs.map(\.configuration.pipeline)))
        state.withLock {
            $0 = State(
                inputs: inputs,
                nextID: nextID,
                targets: targets
            )
        }
        for port in ports { Self.log("listening", port.input) }
        for input in changes.removed { Self.log("no longer listening", input) }
    }

    /// Says that a port was opened or closed.
    static func log(_ message: String, _ input: OpenInput) {
        Log.info(
            message,
            [
                "address": input.address.host, "port": "\(input.address.port)",
                "pipeline": input.configuration.pipeline, "tls": "\(input.configuration.tls.isEnabled)",
            ]
        )
    }
}
