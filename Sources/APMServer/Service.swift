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
    private let rollUps: RollUps
    private let sampler: TailSampler?
    private let agents: HTTPServer
    private let monitoring: HTTPServer?

    /// Starts everything, or throws and leaves nothing running.
    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        let metrics = Metrics()
        let delivery = try Delivery(configuration.delivery, metrics: metrics)
        self.delivery = delivery
        let elasticsearch = configuration.delivery.elasticsearch
        access = try Access(configuration.access, elasticsearch: elasticsearch, metrics: metrics)
        let source = configuration.agentConfiguration
        let configurations = AgentConfigurations(
            configured: source.configured,
            isStoreRead: source.isStoreRead
        )
        rollUps = try RollUps(
            configuration.aggregation,
            directory: configuration.delivery.dataDirectory,
            documents: RollUpDocuments(configuration.mapping, indexNames: IndexNames(configuration)),
            sink: DocumentSink(delivery),
            metrics: metrics
        )
        sampler = try TailSampler.ifNeeded(
            configuration.sampling,
            directory: configuration.delivery.dataDirectory + "/sampling",
            sink: DocumentSink(delivery),
            metrics: metrics
        )
        let parts = WorkerParts(
            configuration: configuration,
            access: access,
            configurations: configurations,
            delivery: delivery,
            rollUps: rollUps,
            sampler: configuration.sampling.isEnabled ? sampler : nil,
            registry: metrics,
            metrics: IntakeMetrics(metrics)
        )
        configurationIndex =
            source.isStoreRead
            ? try AgentConfigurationIndex(
                configurations,
                source.elasticsearch ?? elasticsearch,
                interval: source.expiration
            ) : nil
        configurationIndex?.waitForFirst(atMost: Self.longestFirstRead)
        // The ports last: whoever is let in finds everything there.
        agents = try HTTPServer(Self.settings(configuration), threads: configuration.workers) {
            index,
            thread in
            parts.makeWorker(index, thread)
        }
        let address = agents.address
        agentsAddress = address
        do {
            let (listener, agents) = (Monitoring.Listener("agents", address.description), agents)
            metrics.gauge("apm_server_connections", "Open connections of agents.") {
                Double(agents.connectionCount)
            }
            let rejects = parts.metrics.samples
            monitoring = try Monitoring(
                service: "apm-server",
                metrics: metrics,
                listeners: { [listener] },
                details: [("rejects", { rejects.json(now: Clock.monotonic) })],
                page: .apmServer,
                health: { delivery.health }
            ).start(configuration.monitoring)
            monitoringAddress = monitoring?.address
            try delivery.start()
            try rollUps.start()
            try sampler?.start()
        } catch {
            agents.stop()
            throw error
        }
        Log.info(
            "listening",
            [
                "for": "agents", "address": address.host, "port": String(address.port),
                "tls": "\(configuration.tls.isEnabled)",
            ]
        )
    }

    /// Stops in flow order: no more requests, then roll-ups, then what is on its way, which the spool keeps.
    func stop() {
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

/// What the workers share, and how each is made.
private struct WorkerParts: Sendable {
    let configuration: Configuration
    let access: Access
    let configurations: AgentConfigurations
    let delivery: Delivery
    let rollUps: RollUps
    /// nil when nothing is sampled.
    let sampler: TailSampler?
    let registry: Metrics
    let metrics: IntakeMetrics

    func makeWorker(_ index: Int, _ thread: HTTPServerThread) -> AgentWorker {
        let intake = IntakeWorker(
            IntakeWorker.Settings(
                maxBatchBytes: configuration.bulk.maxBytes,
                maxBatchEvents: configuration.bulk.maxEvents,
                maxBatchDelay: configuration.bulk.maxDelay
            ),
            output: IntakeOutput(
                batch: delivery.emptyBatch(),
                held: sampler?.emptyBatch(),
                rollUps: rollUps.makeTables(),
                ids: DocumentIDs(
                    start: UInt64(Clock.now.nanoseconds / 1000),
                    instance: UInt64.random(in: 0...UInt64.max)
                ),
                indexNames: IndexNames(configuration)
            ),
            mapper: EventMapper(configuration.mapping),
            delivery: delivery,
            sampler: sampler,
            metrics: metrics,
            wakeThread: { thread.wake() }
        )
        let applied =
            index == 0
            ? AppliedConfigurations(
                configurations,
                configuration.mapping,
                expiration: configuration.agentConfiguration.expiration
            ) : nil
        return AgentWorker(router(intake), intake, applied: applied)
    }

    private func router(_ intake: IntakeWorker) -> Router {
        let router = Router(access)
        let delivery = delivery
        let information = ServerInformationRoute(isReady: { delivery.isReady })
        router.on("/", for: .anyone) { request, admission, _ in
            .respond(information.answer(to: request, isAuthenticated: admission.identity != nil))
        }
        let backend = IntakeRoute(worker: intake, settings: configuration.intake, isRUM: false)
        router.on("/intake/v2/events", for: .agents, backend.open)
        let browsers = IntakeRoute(worker: intake, settings: configuration.intake, isRUM: true)
        router.on("/intake/v2/rum/events", for: .browsers, browsers.open)
        router.on("/intake/v3/rum/events", for: .browsers, browsers.open)
        let translator = OTLPTranslator()
        for signal in OTLPSignal.allCases {
            let otlp = OTLPRoute(
                signal: signal,
                worker: intake,
                translator: translator,
                maxBodyBytes: configuration.limits.otlpBodyBytes
            )
            router.on(signal.path, for: .agents, otlp.open)
        }
        let central = AgentConfigurationRoute(
            configurations,
            rules: access.anonymousRules,
            defaultEnvironment: configuration.mapping.defaultServiceEnvironment,
            expiration: configuration.agentConfiguration.expiration
        )
        for (path, audience) in [
            ("/config/v1/agents", Router.Audience.agents), ("/config/v1/rum/agents", .browsers),
        ] {
            router.on(path, for: audience) { request, admission, _ in
                guard let identity = admission.identity else {
                    fatalError("a route for agents without identity")
                }
                return central.open(request, identity)
            }
        }
        if configuration.counters.isEnabled {
            let counters = CountersRoute(registry)
            router.on(configuration.counters.url, for: .everyone) { request, _, _ in
                .respond(counters.answer(to: request))
            }
        }
        return router
    }
}

extension IndexNames {
    fileprivate convenience init(_ configuration: Configuration) {
        self.init(isClassic: configuration.isClassic, version: ServerInformationRoute.compatibleVersion)
    }
}
