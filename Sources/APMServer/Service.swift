import Common
import Glibc

/// All parts of apm-server, built and joined: routes → workers (decoding, documents) → delivery → store, and roll-ups
/// beside them.
final class Service {
    /// Where agents reach it.
    let agentsAddress: Socket.Address
    /// nil when monitoring is switched off.
    let monitoringAddress: Socket.Address?

    /// An Elasticsearch that does not answer must not keep the ports closed.
    private static let longestFirstRead = Duration.milliseconds(200)

    private let configuration: Configuration
    private let access: Access
    private let configurationIndex: AgentConfigurationIndex?
    private let delivery: Delivery
    private let clientDatabases: ClientDatabases
    private let rollUps: RollUps
    private let sampler: TailSampler?
    private let agents: HTTPServer
    private let monitoring: HTTPServer?
    private let manager = ServiceManager()

    /// Starts everything, or throws and leaves nothing running.
    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        let metrics = Metrics()
        let delivery = try Delivery(configuration.delivery, metrics: metrics)
        let sink = DocumentSink(delivery)
        let directory = configuration.delivery.dataDirectory
        let rollUps = try RollUps(
            configuration.aggregation,
            directory: directory,
            documents: RollUpDocuments(configuration.mapping, indexNames: configuration.indexNames),
            sink: sink,
            metrics: metrics
        )
        let sampler = try TailSampler.ifNeeded(
            configuration.sampling,
            directory: directory + "/sampling",
            sink: sink,
            metrics: metrics
        )
        let elasticsearch = configuration.delivery.elasticsearch
        let access = try Access(configuration.access, elasticsearch: elasticsearch, metrics: metrics)
        clientDatabases = ClientDatabases(configuration.enrichment)
        let source = configuration.agentConfiguration
        let configurations = AgentConfigurations(
            configured: source.configured,
            isStoreRead: source.isStoreRead
        )
        let factory = AgentWorkerFactory(
            configuration: configuration,
            access: access,
            configurations: configurations,
            delivery: delivery,
            clientDatabases: clientDatabases,
            rollUps: rollUps,
            sampler: configuration.sampling.isEnabled ? sampler : nil,
            registry: metrics,
            metrics: IntakeMetrics(metrics)
        )
        (self.delivery, self.rollUps, self.sampler, self.access) = (delivery, rollUps, sampler, access)
        var started = Started()
        do {
            try started.start {
                try delivery.start()
            } stop: {
                delivery.stop(within: .zero)
            }
            try started.start {
                try rollUps.start()
            } stop: {
                rollUps.stop(within: .zero)
            }
            try started.start {
                try sampler?.start()
            } stop: {
                sampler?.stop(within: .zero)
            }
            configurationIndex =
                try source.isStoreRead
                ? AgentConfigurationIndex(
                    configurations,
                    source.elasticsearch ?? elasticsearch,
                    interval: source.expiration
                ) : nil
            let index = configurationIndex
            try started.start {
                index?.waitForFirst(atMost: Self.longestFirstRead)
            } stop: {
                index?.stop()
            }
            // The ports last: whoever is let in finds everything there.
            let agents = try HTTPServer(Self.settings(configuration), threads: configuration.workers) {
                factory.makeWorker($0, $1)
            }
            self.agents = agents
            try started.start {
            } stop: {
                agents.stop()
            }
            monitoring = try Self.monitoring(configuration, agents, delivery, metrics, factory.metrics)
        } catch {
            started.stopAll()
            access.stop()
            throw error
        }
        agentsAddress = agents.address
        monitoringAddress = monitoring?.address
        Log.info(
            "listening",
            [
                "for": "agents", "address": agentsAddress.host, "port": String(agentsAddress.port),
                "tls": "\(configuration.tls.isEnabled)",
            ]
        )
        manager?.tell(.ready)
    }

    private static func monitoring(
        _ configuration: Configuration,
        _ agents: HTTPServer,
        _ delivery: Delivery,
        _ metrics: Metrics,
        _ intake: IntakeMetrics
    ) throws(HTTPServer.Failure) -> HTTPServer? {
        let listener = Monitoring.Listener("agents", agents.address.description)
        metrics.gauge("apm_server_connections", "Open connections of agents.") {
            Double(agents.connectionCount)
        }
        return try Monitoring(
            service: "apm-server",
            metrics: metrics,
            listeners: { [listener] },
            details: [("rejects", { intake.samples.json(now: Clock.monotonic) })],
            page: .apmServer,
            health: { delivery.health }
        ).start(configuration.monitoring)
    }

    /// Returns when a signal asks to stop; reloads databases and feeds the watchdog meanwhile.
    ///
    /// - Returns: the signal.
    func wait(for signals: borrowing Descriptor) -> Int32 {
        var watchdog = Watchdog(manager, agents)
        let intervals = [clientDatabases.reloadInterval, watchdog.interval].compactMap { $0 }
        return Signals.wait(on: signals, every: intervals.min()) {
            watchdog.tick()
            if clientDatabases.reloadIfChanged() { agents.wake() }
        }
    }

    /// Stops in flow order: no more requests, then roll-ups, then what is on its way, which the spool keeps.
    func stop() {
        manager?.tell(.stopping)
        let deadline = Clock.monotonic + configuration.limits.shutdownTimeout.nanoseconds
        func left() -> Duration { .nanoseconds(max(0, deadline - Clock.monotonic)) }
        configurationIndex?.stop()
        agents.stop(within: left() / 2)
        access.stop()
        rollUps.stop(within: left() / 2)
        sampler?.stop(within: left() / 2)
        delivery.stop(within: left())
        monitoring?.stop()
    }

    private static func settings(_ configuration: Configuration) -> HTTPServer.Settings {
        var settings = HTTPServer.Settings(host: configuration.host, port: configuration.port)
        settings.tls = configuration.tls.settings
        settings.threadName = "agents"
        settings.maxConnections = configuration.limits.connections
        settings.maxHeaderBytes = configuration.limits.headerBytes
        settings.readTimeout = configuration.limits.readTimeout
        settings.writeTimeout = configuration.limits.writeTimeout
        settings.idleTimeout = configuration.limits.idleTimeout
        return settings
    }
}

/// Parts that run already while the service is being put together, to be stopped in reverse order if that fails.
private struct Started {
    private var stops: [() -> Void] = []

    mutating func start(_ start: () throws -> Void, stop: @escaping () -> Void) throws {
        // Also for a part that fails: some of its threads may run.
        stops.append(stop)
        try start()
    }

    func stopAll() {
        for stop in stops.reversed() { stop() }
    }
}
