import CLinux
import Common
import Glibc

@main
enum Ingest {
    static func main() {
        exit(run())
    }
}

private let program = Program(
    name: "ingest",
    summary:
        "takes lines from shippers and Beats, parses and enriches them, and stores documents in Elasticsearch",
    defaultConfigurationPath: "/etc/ingest/ingest.yml",
    options: [],
    commands: [
        .check,
        TestCommand.command,
        Program.Command(
            "parse",
            "print the documents that lines on standard input would become",
            options: [
                Program.Option("pipeline", "NAME", "the pipeline to use (default nginx-access)"),
                Program.Option("explain", nil, "say what each filter did, and how long it took"),
            ]
        ),
        .deadLetters,
    ]
)

private func run() -> Int32 {
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return program.run(
        CommandLine.arguments.dropFirst(),
        decode: { Configuration($0, cores: cores) }
    ) { invocation, configuration in
        switch invocation.command {
        case "check":
            return CheckCommand.run(configuration)
        case "test": return TestCommand.run(invocation.arguments, configuration)
        case "parse":
            let pipeline = invocation.options["pipeline"] ?? PipelineConfiguration.builtInName
            return parse(
                configuration,
                pipeline: pipeline,
                isExplained: invocation.switches.contains("explain")
            )
        case Program.Command.deadLetters.name:
            return deadLetters(invocation, configuration)
        default:
            return serve(invocation, configuration)
        }
    }
}

/// Prints the documents of standard input; standard error has warnings only.
private func parse(_ configuration: Configuration, pipeline name: String, isExplained: Bool) -> Int32 {
    guard let chosen = configuration.pipeline(name) else {
        let names = configuration.pipelines.map(\.name)
        let hint = Nearest.hint(for: name, among: names)
        StandardStream.write("ingest: there is no pipeline \"\(name)\"\(hint)\n", toError: true)
        return Program.ExitCode.usage
    }
    Log.configure(service: "ingest", level: .warning, format: configuration.logging.format)
    do {
        let plan = try PipelinePlan(
            [chosen],
            databases: EnrichmentDatabases(configuration.enrichment),
            metrics: Metrics()
        )
        let pipeline = try plan.pipelines()[0]
        let explanation = isExplained ? Explanation(pipeline, name: name) : nil
        return ParseCommand.run(pipeline, explanation: explanation)
    } catch {
        Log.error("cannot start", ["error": "\(error)"])
        return Program.ExitCode.failure
    }
}

/// `dead-letters`.
private func deadLetters(_ invocation: Invocation, _ configuration: Configuration) -> Int32 {
    let output = configuration.output
    let store = DeadLetterCommand.Store(output.elasticsearch, setup: configuration.elasticsearchSetup)
    return DeadLetterCommand(
        program.name,
        invocation,
        directory: configuration.deadLetterDirectory,
        store: output.kind == .elasticsearch ? store : nil
    ).run()
}

private func serve(_ invocation: Invocation, _ configuration: Configuration) -> Int32 {
    Log.configure(
        service: "ingest",
        level: configuration.logging.level,
        format: configuration.logging.format
    )
    // Larger buffers go back to the system when they are freed. glibc would raise this to the size of the largest, and
    // then keep the holes that buffers leave between the entries of caches.
    mallopt(M_MMAP_THRESHOLD, 512 << 10)
    do {
        let signals = try Signals.receive([SIGTERM, SIGINT, SIGHUP])
        let service = try Service(configuration, invocation: invocation)
        try service.start()
        service.wait(for: signals)
        service.stop()
        return Program.ExitCode.success
    } catch {
        Log.error("cannot start", ["error": "\(error)"])
        return Program.ExitCode.failure
    }
}
