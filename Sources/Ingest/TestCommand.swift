import Common

/// `ingest test output`, and `ingest test config`, which is `check`.
struct TestCommand {
    static let command = Program.Command(
        "test",
        "output: go to Elasticsearch step by step and say how far it comes; config: as check",
        argumentsPlaceholder: "output|config"
    )

    /// - Returns: the exit code.
    static func run(_ subjects: [String], _ configuration: Configuration) -> Int32 {
        if subjects == ["config"] { return CheckCommand.run(configuration) }
        guard subjects == ["output"] else {
            StandardStream.write(
                "ingest: what to test? Try \"ingest test output\" or \"ingest test config\".\n",
                toError: true
            )
            return Program.ExitCode.usage
        }
        guard configuration.output.kind == .elasticsearch else {
            StandardStream.write(
                "ingest: the configuration has no output.elasticsearch to test\n",
                toError: true
            )
            return Program.ExitCode.usage
        }
        let targets = configuration.inputs.compactMap { configuration.pipeline($0.pipeline)?.indexTarget }
        let patterns = Set(targets.flatMap(\.templatePatterns))
        let test = ElasticsearchTest(configuration.output.elasticsearch, patterns: patterns.sorted()) {
            StandardStream.write($0 + "\n")
        }
        return test.run() ? Program.ExitCode.success : Program.ExitCode.failure
    }
}
