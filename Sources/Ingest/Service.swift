import Common
import Glibc
import Synchronization

/// All parts of ingest, built and joined: listener → workers (input, pipelines) → indexer → store.
final class Service {
    private let configuration: Configuration
    private let metrics: IngestMetrics
    private let plan: InputPlan
    private let outlets: Outlets
    /// The last line of each reason: stored with a tag, and dead letters.
    private let samples = RejectSamples()
    private let deadLetterSamples = RejectSamples()
    private let output: any DocumentOutput
    private let mailboxes: [WorkerMailbox]
    private let listener: BeatsListener
    private let inputs: RunningInputs
    private let reloadStatus: ReloadStatus
    private let reloader: Reloader
    private let flows: FlowHistory
    private let manager = ServiceManager()
    private var watchdog: Watchdog
    private var nextDatabaseLook: Int64 = 0
    private var workers: [Thread] = []
    private var acceptor: Thread?
    private var monitoring: HTTPServer?

    /// Opens databases, dead letters and ports; nothing runs yet.
    ///
    /// - Parameter invocation: where a reload finds the configuration.
    init(_ configuration: Configuration, invocation: Invocation) throws {
        self.configuration = configuration
        metrics = IngestMetrics()
        outlets = Outlets(metrics: metrics.registry)
        let databases = EnrichmentDatabases(configuration.enrichment)
        let ports = try configuration.inputs.enumerated().map { try BeatsListener.bind($1, id: $0) }
        plan = InputPlan(
            ports.map(\.input),
            pipelines: try PipelinePlan(
                configuration.inputs.compactMap { configuration.pipeline($0.pipeline) },
                databases: databases,
                metrics: metrics.registry,
                samples: samples
            ),
            outlets: outlets,
            metrics: metrics
        )
        output = try Self.output(configuration, metrics.registry, deadLetterSamples)
        mailboxes = try (0..<configuration.workers).map { _ in try WorkerMailbox() }
        listener = try BeatsListener(
            ports: ports,
            connectionLimit: configuration.limits.connections,
            mailboxes: mailboxes,
            metrics: metrics
        )
        let preparation =
            configuration.output.kind == .elasticsearch
            ? StorePreparation(configuration.output.elasticsearch) : nil
        inputs = RunningInputs(
            ports.map(\.input),
            targets: configuration.indexTargets,
            databases: databases,
            parts: RunningInputs.Parts(
                samples: samples,
                outlets: outlets,
                metrics: metrics,
                mailboxes: mailboxes,
                listener: listener.orders,
                output: output,
                preparation: preparation,
                template: configuration.output.template
            )
        )
        reloadStatus = ReloadStatus(metrics.registry)
        reloader = Reloader(
            ConfigurationReload(
                invocation: invocation,
                running: configuration,
                inputs: inputs,
                status: reloadStatus,
                preparation: preparation,
                manager: manager
            )
        )
        flows = FlowHistory(metrics.registry)
        watchdog = Watchdog(manager, mailboxes: mailboxes)
    }

    /// Starts threads in the order data flows backwards, so that nothing arrives where nobody works yet.
    func start() throws {
        try output.start(lanes: outlets.names.count)
        for (index, mailbox) in mailboxes.enumerated() { workers.append(try startWorker(index, mailbox)) }
        let started = Started(listener)
        acceptor = try Thread("accept") { started.listener.run() }
        monitoring = try startMonitoring()
        try reloader.start()
        for input in inputs.current { RunningInputs.log("listening", input) }
        manager?.tell(.ready)
    }

    /// Returns when a signal asks to stop; carries out reloads, and what is due every now and then, meanwhile.
    func wait(for signals: borrowing Descriptor) {
        let interval = min(
            FlowHistory.interval,
            configuration.enrichment.geoipReloadInterval,
            manager?.watchdogInterval ?? FlowHistory.interval
        )
        while true {
            let signal = Signals.wait(on: signals, every: interval) { tick(now: Clock.monotonic) }
            guard signal == SIGHUP else {
                Log.info("stopping", ["signal": signal == SIGTERM ? "SIGTERM" : "SIGINT"])
                return
            }
            reloader.request()
        }
    }

    private func tick(now: Int64) {
        flows.record(now: now)
        watchdog.tick()
        output.housekeep()
        guard now >= nextDatabaseLook else { return }
        nextDatabaseLook = now + configuration.enrichment.geoipReloadInterval.nanoseconds
        reloadDatabases()
    }

    private func reloadDatabases() {
        guard inputs.databases.reloadIfChanged() else { return }
        for mailbox in mailboxes { mailbox.send(.databaseReplaced) }
    }

    /// Stops in flow order: accept no more, read no more, store and acknowledge what is in work.
    ///
    /// What is not stored within `shutdown_timeout` is not acknowledged, and its sender keeps it.
    func stop() {
        manager?.tell(.stopping)
        reloader.stop()
        listener.orders.send(.stop)
        acceptor?.join()
        let limit = configuration.shutdownTimeout
        let deadline = Clock.monotonic + limit.nanoseconds
        for mailbox in mailboxes { mailbox.send(.stop(deadline: deadline)) }
        for worker in workers { worker.join() }
        output.stop(within: .milliseconds(200))
        monitoring?.stop()
        let events = metrics.registry.snapshot.sum("ingest_events_received_total")
        Log.info("stopped", ["events": "\(Int(events))"])
    }

    /// The listener goes to the accepting thread for good; others only send it orders.
    private struct Started: @unchecked Sendable {
        // Sendable is true because `run` is called on one thread, and `orders` is Sendable.
        let listener: BeatsListener
        init(_ listener: BeatsListener) { self.listener = listener }
    }

    private func startMonitoring() throws -> HTTPServer? {
        let (output, inputs) = (output, inputs)
        let health: @Sendable () -> Health = {
            guard let problem = output.health.worst(now: Clock.now), problem.state == .down else {
                return Health()
            }
            return Health(reasons: ["\(problem.reason) (since \(problem.since.iso8601))"])
        }
        let stats = IngestStats(
            metrics: metrics.registry,
            inputs: inputs,
            flows: flows,
            reloads: reloadStatus,
            configuration: configuration,
            health: health
        )
        return try Monitoring(
            service: "ingest",
            metrics: metrics.registry,
            listeners: { inputs.current.map { Monitoring.Listener($0.configuration.name, "\($0.address)") } },
            details: [
                ("failure_samples", { [samples] in samples.json(now: Clock.monotonic) }),
                (
                    "dead_letter_samples",
                    { [deadLetterSamples] in deadLetterSamples.json(now: Clock.monotonic) }
                ),
            ],
            members: { stats.members },
            statsAliases: ["/_node/stats", "/_node/stats/pipelines"],
            page: .ingest,
            health: health
        ).start(configuration.monitoring)
    }

    private static func output(
        _ configuration: Configuration,
        _ metrics: Metrics,
        _ samples: RejectSamples
    ) throws -> any DocumentOutput {
        switch configuration.output.kind {
        case .elasticsearch: try ElasticsearchOutput(configuration, metrics: metrics, samples: samples)
        case .file, .standardOutput:
            LineOutput(
                configuration.output.kind,
                maxPendingBytes: configuration.pendingBytes,
                metrics: metrics
            )
        }
    }

    private func startWorker(_ index: Int, _ mailbox: WorkerMailbox) throws -> Thread {
        let share = configuration.workers
        let settings = WorkerSettings(
            limits: configuration.limits.lumberjack,
            memoryBytes: max(configuration.limits.memoryBytes / share, 4 << 20),
            maxBatchEvents: configuration.output.bulk.maxEvents,
            maxBatchBytes: configuration.output.bulk.maxBytes,
            maxBatchDelay: configuration.output.bulk.maxDelay.nanoseconds,
            concurrentBatches: max(configuration.output.elasticsearch.concurrentRequests, 1),
            frameTimeout: configuration.limits.frameTimeout.nanoseconds,
            idleTimeout: configuration.limits.idleTimeout.nanoseconds
        )
        let (plan, output, metrics) = (plan, output, metrics)
        return try Thread("worker-\(index)") {
            do {
                let worker = try Worker(
                    settings: settings,
                    mailbox: mailbox,
                    output: output,
                    inputs: try plan.workerInputs(),
                    metrics: metrics,
                    connectionCount: metrics.connectionsOpen
                )
                worker.run()
            } catch {
                fatalError("a worker cannot start: \(error)")
            }
        }
    }
}
