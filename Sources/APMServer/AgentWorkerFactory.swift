import Common

/// Makes the workers of the port for agents, each with its routes, from what they share.
struct AgentWorkerFactory: Sendable {
    let configuration: Configuration
    let access: Access
    let configurations: AgentConfigurations
    let delivery: Delivery
    let clientDatabases: ClientDatabases
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
                indexNames: configuration.indexNames
            ),
            mapper: EventMapper(configuration.mapping, delivery.traits, clientDatabases),
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
