extension Program {
    /// Reads the command line and the configuration it names, then does what was asked.
    ///
    /// What is wrong with either is printed, all of it.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - decode: makes the service's configuration; complaints are collected in the reader.
    ///   - run: carries the invocation out and answers the exit code.
    /// - Returns: the code to end with; 2 when the command line or the configuration is wrong.
    package func run<Configuration>(
        _ arguments: some Sequence<String>,
        decode: (ConfigurationReader) -> Configuration,
        _ run: (Invocation, Configuration) -> Int32
    ) -> Int32 {
        let (invocation, code) = parse(Array(arguments)).invocationOrPrint()
        guard let invocation else { return code }
        let configuration: Configuration
        do throws(ConfigurationError) {
            let reader = try invocation.configuration()
            configuration = decode(reader)
            try reader.finish()
        } catch {
            StandardStream.write("\(error)\n", toError: true)
            return ExitCode.usage
        }
        return run(invocation, configuration)
    }
}
