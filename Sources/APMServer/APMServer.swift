import Common
import Glibc

@main
enum APMServer {
    static func main() {
        exit(run())
    }
}

private let program = Program(
    name: "apm-server",
    summary: "takes what Elastic APM agents send and stores it in Elasticsearch, with roll-ups for Kibana",
    defaultConfigurationPath: "/etc/apm-server/apm-server.yml",
    commands: [
        .check,
        Program.Command(
            "test",
            "output: go to Elasticsearch step by step and say how far it comes; config: as check",
            argumentsPlaceholder: "output|config"
        ),
        .deadLetters,
    ]
)

/// - Returns: the exit code.
private func run() -> Int32 {
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return program.run(
        CommandLine.arguments.dropFirst(),
        decode: { Configuration($0, cores: cores) }
    ) { invocation, configuration in
        if invocation.command == "check" { return check() }
        if invocation.command == "test" { return test(invocation.arguments, configuration) }
        if invocation.command == Program.Command.deadLetters.name {
            return deadLetters(invocation, configuration.delivery)
        }
        let logging = configuration.logging
        Log.configure(service: program.name, level: logging.level, format: logging.format)
        return serve(configuration)
    }
}

/// `check`, when the configuration was read without complaints.
private func check() -> Int32 {
    StandardStream.write("apm-server: the configuration is valid\n")
    return Program.ExitCode.success
}

/// `test output`, and `test config`, which those know who come from Elastic's server.
private func test(_ subjects: [String], _ configuration: Configuration) -> Int32 {
    if subjects == ["config"] { return check() }
    guard subjects == ["output"] else {
        StandardStream.write(
            "apm-server: what to test? Try \"apm-server test output\" or \"apm-server test config\".\n",
            toError: true
        )
        return Program.ExitCode.usage
    }
    let namespace = configuration.mapping.namespace
    let patterns =
        configuration.isClassic
        ? ["apm-*"] : ["traces", "logs", "metrics"].map { "\($0)-apm*-\(namespace)" }
    let test = ElasticsearchTest(configuration.delivery.elasticsearch, patterns: patterns) {
        StandardStream.write($0 + "\n")
    }
    return test.run() ? Program.ExitCode.success : Program.ExitCode.failure
}

/// `dead-letters`.
private func deadLetters(_ invocation: Invocation, _ delivery: DeliverySettings) -> Int32 {
    let setup = delivery.schema.map { ElasticsearchSetup($0) } ?? ElasticsearchSetup(templates: [])
    return DeadLetterCommand(
        program.name,
        invocation,
        directory: delivery.dataDirectory + "/dead-letters",
        store: DeadLetterCommand.Store(delivery.elasticsearch, setup: setup)
    ).run()
}

/// Serves until SIGTERM or SIGINT.
private func serve(_ configuration: Configuration) -> Int32 {
    do {
        let signals = try Signals.receive([SIGTERM, SIGINT])
        let service = try Service(configuration)
        let signal = service.wait(for: signals)
        Log.info("stopping", ["signal": signal == SIGINT ? "SIGINT" : "SIGTERM"])
        service.stop()
        Log.info("stopped")
        return Program.ExitCode.success
    } catch {
        Log.error("cannot start", ["reason": "\(error)"])
        return Program.ExitCode.failure
    }
}
