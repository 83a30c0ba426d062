import Common

/// `ingest check`: the configuration has been read; runs the tests of its pipelines.
struct CheckCommand {
    /// - Returns: the exit code; 1 when a test fails.
    static func run(_ configuration: Configuration) -> Int32 {
        Log.configure(service: "ingest", level: .warning, format: configuration.logging.format)
        let tested = configuration.pipelines.filter { !$0.tests.isEmpty }
        var failures = 0
        if !tested.isEmpty {
            let databases = EnrichmentDatabases(configuration.enrichment)
            for pipeline in tested {
                do {
                    failures += try run(pipeline, databases)
                } catch {
                    StandardStream.write(
                        "ingest: pipeline \(pipeline.name) cannot run: \(error)\n",
                        toError: true
                    )
                    return Program.ExitCode.failure
                }
            }
        }
        let count = tested.reduce(0) { $0 + $1.tests.count }
        let noun = count == 1 ? "test" : "tests"
        guard failures == 0 else {
            StandardStream.write("ingest: \(failures) of \(count) \(noun) failed\n", toError: true)
            return Program.ExitCode.failure
        }
        let tests = count == 0 ? "" : "; \(count) \(noun) passed"
        StandardStream.write("ingest: the configuration is valid\(tests)\n")
        return Program.ExitCode.success
    }

    /// - Returns: how many tests failed; what differs is printed.
    private static func run(_ configuration: PipelineConfiguration, _ databases: EnrichmentDatabases) throws
        -> Int
    {
        let plan = try PipelinePlan([configuration], databases: databases, metrics: Metrics())
        let pipeline = try plan.pipelines()[0]
        var failures = 0
        for test in configuration.tests {
            let differences = test.differences(pipeline)
            guard !differences.isEmpty else { continue }
            failures += 1
            let lines = differences.map { "  \($0)\n" }.joined()
            StandardStream.write("\(configuration.name), test \"\(test.name)\":\n\(lines)", toError: true)
        }
        return failures
    }
}
