import Common
import Glibc
import Synchronization

/// All parts of ingest, built and joined: listener → workers (input, pipelines) → indexer → store.
final class Service {
    private let configuration: Configuration
    private let metrics: IngestMetrics
    private let databases: EnrichmentDatabases
    private let plan: PipelinePlan
    private let deadLetters: DeadLetterFile
    private let indexer: BulkIndexer
    private let mailboxes: [WorkerMailbox]
    private let listener: BeatsListener
    private var workers: [Thread] = []
    private var acceptor: Thread?
    private var monitoring: HTTPServer?

    /// Opens databases, dead letters and ports; nothing runs yet.
    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        metrics = IngestMetrics(inputs: configuration.inputs.map(\.name))
        databases = EnrichmentDatabases(configuration.enrichment)
        plan = try PipelinePlan(
            configuration.inputs.compactMap { configuration.pipeline($0.pipeline) },
            databases: databases,
            metrics: metrics.registry
        )
        try Path.createDirectories(configuration.dataDirectory)
        let deadLetters = try DeadLetterFile(
            directory: configuration.dataDirectory + "/dead-letters",
            maxBytes: configuration.deadLetterBytes
        )
        self.deadLetters = deadLetters
        metrics.registry.gauge("ingest_dead_letter_bytes", "Bytes of dead letters on the disk.") {
            Double(deadLetters.totalBytes)
        }
        var output = configuration.output.elasticsearch
        output.maxPendingBytes = max(configuration.limits.memoryBytes, 2 * configuration.output.bulk.maxBytes)
        indexer = BulkIndexer(output, service: "ingest", metrics: metrics.registry) { batch, burials in
            try deadLetters.append(burials, of: batch)
        }
        mailboxes = try (0..<configuration.workers).map { _ in try WorkerMailbox() }
        listener = try BeatsListener(
            inputs: configuration.inputs,
            connectionLimit: configuration.limits.connections,
            mailboxes: mailboxes,
            metrics: metrics
        )
    }

    /// Starts threads in the order data flows backwards, so that nothing arrives where nobody works yet.
    func start() throws {
        try indexer.start(setup: setup)
        for (index, mailbox) in mailboxes.enumerated() { workers.append(try startWorker(index, mailbox)) }
        let started = Started(listener)
        acceptor = try Thread("accept") { started.listener.run() }
        monitoring = try startMonitoring()
        for (input, address) in zip(configuration.inputs, listener.addresses) {
            Log.info(
                "listening",
                [
                    "address": address.host, "port": "\(address.port)", "pipeline": input.pipeline,
                    "tls": "\(input.tls.isEnabled)",
                ]
            )
        }
    }

    /// Returns when a signal asks to stop; reloads databases meanwhile.
    func wait(for signals: borrowing Descriptor) {
        let interval = databases.hasGeoIP ? configuration.enrichment.geoipReloadInterval : nil
        let signal = Signals.wait(on: signals, every: interval) { reloadDatabases() }
        Log.info("stopping", ["signal": signal == SIGTERM ? "SIGTERM" : "SIGINT"])
    }

    private func reloadDatabases() {
        guard databases.reloadIfChanged() else { return }
        for mailbox in mailboxes { mailbox.send(.databaseReplaced) }
    }

    /// Stops in flow order: accept no more, read no more, store and acknowledge what is in work.
    ///
    /// What is not stored within `shutdown_timeout` is not acknowledged, and its sender keeps it.
    func stop() {
        listener.stopper.wake()
        acceptor?.join()
        let limit = configuration.shutdownTimeout
        let deadline = Clock.monotonic + limit.nanoseconds
        for mailbox in mailboxes { mailbox.send(.stop(deadline: deadline)) }
        for worker in workers { worker.join() }
        indexer.stop(within: .milliseconds(200))
        monitoring?.stop()
        Log.info("stopped", ["events": "\(metrics.events.reduce(0) { $0 + $1.total })"])
    }

    /// The listener goes to the accepting thread for good; this thread only wakes it.
    private struct Started: @unchecked Sendable {
        // Sendable is true because `run` is called on one thread, and `stopper` is Sendable.
        let listener: BeatsListener
        init(_ listener: BeatsListener) { self.listener = listener }
    }

    private func startMonitoring() throws -> HTTPServer? {
        let listeners = zip(configuration.inputs, listener.addresses).map { input, address in
            Monitoring.Listener(input.name, "\(address)")
        }
        let indexer = indexer
        return try Monitoring(
            service: "ingest",
            metrics: metrics.registry,
            listeners: { listeners },
            page: .ingest,
            health: {
                guard let problem = indexer.health.worst(now: Clock.now), problem.state == .down else {
                    return Health()
                }
                return Health(reasons: ["\(problem.reason) (since \(problem.since.iso8601))"])
            }
        ).start(configuration.monitoring)
    }

    /// What is done in the store before the first document: a template for each prefix that inputs write to.
    private var setup: ElasticsearchSetup {
        let settings = configuration.output.template
        guard settings.isInstalled else { return ElasticsearchSetup(templates: []) }
        let prefixes = Set(configuration.inputs.compactMap { configuration.pipeline($0.pipeline)?.index })
        return ElasticsearchSetup(
            templates: prefixes.sorted().map { prefix in
                var template = IndexTemplate(name: prefix)
                template.shards = settings.shards
                template.replicas = settings.replicas
                template.refreshInterval = settings.refreshInterval
                template.deleteAfter = settings.deleteAfter
                return template
            }
        )
    }

    private func startWorker(_ index: Int, _ mailbox: WorkerMailbox) throws -> Thread {
        let share = configuration.workers
        let settings = WorkerSettings(
            tls: try configuration.inputs.map { try $0.tls.settings.map { try TLSContext(server: $0) } },
            limits: configuration.limits.lumberjack,
            memoryBytes: max(configuration.limits.memoryBytes / share, 4 << 20),
            maxBatchEvents: configuration.output.bulk.maxEvents,
            maxBatchBytes: configuration.output.bulk.maxBytes,
            maxBatchDelay: configuration.output.bulk.maxDelay.nanoseconds,
            concurrentBatches: max(configuration.output.elasticsearch.concurrentRequests, 1),
            frameTimeout: configuration.limits.frameTimeout.nanoseconds,
            idleTimeout: configuration.limits.idleTimeout.nanoseconds
        )
        let (plan, indexer, metrics) = (plan, indexer, metrics)
        return try Thread("worker-\(index)") {
            do {
                let worker = try Worker(
                    settings: settings,
                    mailbox: mailbox,
                    indexer: indexer,
                    pipelines: try plan.pipelines(),
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
