import Glibc

/// What a command line asks a service to do.
package struct Invocation: Equatable, Sendable {
    /// The sub-command; nil to run the service.
    package var command: String?
    package var configurationPath: String
    /// Whether the path was given with `--config`; otherwise it is the service's default.
    package var isConfigurationChosen = false
    /// The values of `--set`, in order.
    package var overrides: [String] = []
    /// Values of the program's own options, by name without dashes.
    package var options: [String: String] = [:]
    /// The program's own switches that were given, without dashes.
    package var switches: Set<String> = []
    /// Words behind a command that takes some.
    package var arguments: [String] = []

    package init(configurationPath: String) { self.configurationPath = configurationPath }

    /// Opens the configuration that the invocation names.
    ///
    /// The default file may be absent: everything then has its default or comes from `--set`. A file that was
    /// named must be there.
    package func configuration(
        environment: [String: String] = ConfigurationFile.environment
    ) throws(ConfigurationError) -> ConfigurationReader {
        if !isConfigurationChosen, access(configurationPath, F_OK) != 0, errno == ENOENT {
            return try ConfigurationReader.parse(
                [],
                source: "\(configurationPath) (no such file)",
                overrides: overrides,
                environment: environment
            )
        }
        return try ConfigurationReader.load(
            file: configurationPath,
            overrides: overrides,
            environment: environment
        )
    }
}

extension Program.Request {
    /// The invocation to carry out; nil after an answer was printed, with the code to end with.
    package func invocationOrPrint() -> (invocation: Invocation?, exitCode: Int32) {
        switch self {
        case .run(let invocation): return (invocation, Program.ExitCode.success)
        case .answer(let text, let exitCode):
            StandardStream.write(text, toError: exitCode != Program.ExitCode.success)
            return (nil, exitCode)
        }
    }
}

/// Standard output and standard error, for answers to a person.
package enum StandardStream {
    /// Writes all of `text`, without buffering.
    ///
    /// A closed stream is not an error: nobody is reading.
    package static func write(_ text: String, toError: Bool = false) {
        var text = text
        text.withUTF8 { utf8 in
            var rest = UnsafeRawBufferPointer(utf8)
            while !rest.isEmpty {
                let count = Glibc.write(toError ? 2 : 1, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
