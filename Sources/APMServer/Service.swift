import Common

/// The running service: the port for agents and the one for monitoring.
final class Service {
    /// Where agents reach it.
    let agentsAddress: Socket.Address
    /// nil when monitoring is switched off.
    let monitoringAddress: Socket.Address?

    private let agents: HTTPServer
    private let monitoring: HTTPServer?

    /// Listens on both ports, or throws and listens on none.
    init(_ configuration: Configuration) throws(HTTPServer.Failure) {
        let health: @Sendable () -> Health = { Health() }
        var router = HTTPRouter()
        let information = ServerInformationRoute { false }
        router.on(nil, "/") { information.answer(to: $0, isAuthenticated: true) }
        Monitoring.addHealth(to: &router, health)

        var settings = HTTPServer.Settings(host: configuration.host, port: configuration.port)
        settings.threadName = "agents"
        // Agents keep their connection; each costs a socket and the memory of its headers.
        settings.maxConnections = 1024
        agents = try HTTPServer(settings, router: router)
        let address = agents.address
        agentsAddress = address
        Log.info("listening", ["for": "agents", "address": address.host, "port": String(address.port)])

        let listener = Monitoring.Listener("agents", address.description)
        monitoring = try Monitoring(
            service: "apm-server",
            metrics: Metrics(),
            listeners: { [listener] },
            health: health
        ).start(configuration.monitoring)
        monitoringAddress = monitoring?.address
    }

    /// Closes the ports; answers when that is done.
    func stop() {
        agents.stop()
        monitoring?.stop()
    }
}
