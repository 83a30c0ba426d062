import Common
import Glibc

@main
enum Shipper {
    static func main() {
        exit(run())
    }
}

private let program = Program(
    name: "shipper",
    summary: "finds new lines in log files and sends them to ingest",
    defaultConfigurationPath: "/etc/shipper/shipper.yml",
    options: [.init("once", nil, "ship what is there, then end")],
    commands: [.check, TestCommand.command, .registry, .status]
)

private func run() -> Int32 {
    program.run(CommandLine.arguments.dropFirst(), decode: Configuration.init) { invocation, configuration in
        switch invocation.command {
        case "check": CheckCommand(configuration: configuration).run()
        case "test": TestCommand(configuration: configuration).run(invocation.arguments)
        case "registry": RegistryCommand(invocation, directory: configuration.dataDirectory).run()
        case "status": StatusCommand(monitoring: configuration.monitoring).run()
        default: serve(invocation, configuration, isOnce: invocation.switches.contains("once"))
        }
    }
}

/// Wires the stages together and runs them until the end.
private func serve(_ invocation: Invocation, _ configuration: Configuration, isOnce: Bool) -> Int32 {
    Log.configure(
        service: "shipper",
        level: configuration.logging.level,
        format: configuration.logging.format
    )
    do {
        // A single pass has nothing to read anew: there SIGHUP ends it, as it does for any program.
        let signals = try Signals.receive(isOnce ? [SIGTERM, SIGINT] : [SIGTERM, SIGINT, SIGHUP])
        let store = try RegistryStore(directory: configuration.dataDirectory)
        let tls = try configuration.tls.settings.map(TLSContext.init(client:))
        let reactor = try Reactor()
        let metrics = ShipperMetrics()
        let monitor = ShipperMonitor(waker: reactor.waker)
        let agentID = store.agentID()
        let client = LumberjackClient(
            settings: configuration.client(tls, isOnce: isOnce),
            reactor: reactor,
            metrics: metrics
        )
        let standardInput =
            configuration.readsStandardInput
            ? try StandardInput(dataDirectory: store.directory, waker: reactor.waker) : nil
        let loop = ShipperLoop(
            settings: configuration.loop(isOnce: isOnce),
            limits: configuration.queue,
            inputs: configuration.inputs(agentID: agentID, metrics),
            directory: store.directory,
            registry: Registry(store.load()),
            client: client,
            reactor: reactor,
            metrics: metrics,
            monitor: monitor,
            configuration: ReloadableConfiguration(
                invocation: invocation,
                agentID: agentID,
                metrics: metrics,
                running: configuration
            ),
            serviceManager: ServiceManager(),
            standardInput: standardInput
        )
        let reading = try standardInput?.start()
        defer {
            standardInput?.stop()
            reading?.join()
        }
        let server = try monitor.pages(metrics, health: configuration.health).start(configuration.monitoring)
        defer { server?.stop() }
        Log.info(
            "started",
            ["version": Version.current, "agent_id": agentID, "data_directory": store.directory]
        )
        return try loop.run(signals: signals.raw)
    } catch {
        Log.error("shipper cannot run", ["error": "\(error)"])
        return Program.ExitCode.failure
    }
}

extension Configuration {
    func client(_ tls: TLSContext?, isOnce: Bool) -> LumberjackClient.Settings {
        var settings = LumberjackClient.Settings(
            hosts: hosts,
            pipelining: pipelining,
            maxWindowEvents: queue.events,
            timeout: timeout,
            connectTimeout: connectTimeout,
            backoff: backoff,
            tls: tls,
            tlsServerName: self.tls.serverName ?? "",
            ackDelay: isOnce ? .zero : .milliseconds(100)
        )
        settings.spread(output)
        return settings
    }

    fileprivate func loop(isOnce: Bool) -> ShipperLoop.Settings {
        ShipperLoop.Settings(
            flushLatency: flushLatency,
            registryFlush: registryFlush,
            deletedFiles: deletedFiles,
            shutdownTimeout: shutdownTimeout,
            isOnce: isOnce
        )
    }
}
