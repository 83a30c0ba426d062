/// What a service's command line may say, and the reading of it.
///
///     shipper --config FILE --set key=value --once
///     ingest parse --pipeline nginx-access
///
/// Knows no process: `parse` answers with what to do, `Invocation` or a text to print.
package struct Program: Sendable {
    /// One `--name`, with a value when it has a placeholder.
    package struct Option: Sendable {
        package let name: String
        /// What stands for the value in the help; nil for a switch.
        package let placeholder: String?
        package let summary: String

        package init(_ name: String, _ placeholder: String? = nil, _ summary: String) {
            self.name = name
            self.placeholder = placeholder
            self.summary = summary
        }

        var usage: String { placeholder.map { "--\(name) \($0)" } ?? "--\(name)" }
    }

    /// A sub-command such as `check`.
    package struct Command: Sendable {
        package let name: String
        package let summary: String
        package let options: [Option]
        /// Whether words that are no options are welcome, and how the help calls them.
        package let argumentsPlaceholder: String?

        package init(
            _ name: String,
            _ summary: String,
            options: [Option] = [],
            argumentsPlaceholder: String? = nil
        ) {
            self.name = name
            self.summary = summary
            self.options = options
            self.argumentsPlaceholder = argumentsPlaceholder
        }

        /// `check`, which every service has.
        package static let check = Command(
            "check",
            "read the configuration, say what is wrong with it, and end"
        )
    }

    /// The exit codes of all services.
    package enum ExitCode {
        package static let success: Int32 = 0
        package static let failure: Int32 = 1
        /// The command line or the configuration is wrong.
        package static let usage: Int32 = 2
    }

    /// What the command line asks for.
    package enum Request: Equatable, Sendable {
        case run(Invocation)
        /// Print `text`, on standard error unless the code is 0, and end with the code.
        case answer(text: String, exitCode: Int32)
    }

    package let name: String
    package let summary: String
    package let defaultConfigurationPath: String
    /// Options of the service itself, when no command is given.
    package let options: [Option]
    package let commands: [Command]

    package init(
        name: String,
        summary: String,
        defaultConfigurationPath: String,
        options: [Option] = [],
        commands: [Command] = [.check]
    ) {
        self.name = name
        self.summary = summary
        self.defaultConfigurationPath = defaultConfigurationPath
        self.options = options
        self.commands = commands
    }

    static let commonOptions = [
        Option("config", "FILE", "read the configuration from FILE"),
        Option(
            "set",
            "KEY=VALUE",
            "set one key of the configuration, such as logging.level=debug; repeatable"
        ),
        Option("version", nil, "print the version and end"),
        Option("help", nil, "print this help and end"),
    ]

    /// Reads `arguments`, the words after the program's name.
    package func parse(_ arguments: [String]) -> Request {
        var reading = Reading(program: self)
        do {
            try reading.read(arguments)
        } catch {
            let help = (["\(name)"] + (reading.command.map { [$0.name] } ?? [])).joined(separator: " ")
            return .answer(
                text: "\(name): \(error.message)\nTry \"\(help) --help\".\n",
                exitCode: ExitCode.usage
            )
        }
        if reading.wantsHelp { return .answer(text: help(for: reading.command), exitCode: ExitCode.success) }
        if reading.wantsVersion {
            return .answer(text: "\(name) \(Version.current)\n", exitCode: ExitCode.success)
        }
        return .run(reading.invocation)
    }
}

/// The state of one reading of a command line.
private struct Reading {
    struct Failure: Error {
        let message: String
    }

    let program: Program
    var command: Program.Command?
    var invocation: Invocation
    var wantsHelp = false
    var wantsVersion = false
    private var seen: Set<String> = []

    init(program: Program) {
        self.program = program
        invocation = Invocation(configurationPath: program.defaultConfigurationPath)
    }

    mutating func read(_ words: [String]) throws(Failure) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                for word in rest { try takeArgument(word) }
                return
            }
            if word.hasPrefix("-"), word != "-" {
                try takeOption(word, &rest)
            } else {
                try takeArgument(word)
            }
        }
    }

    private mutating func takeArgument(_ word: String) throws(Failure) {
        if command == nil, invocation.arguments.isEmpty,
            let found = program.commands.first(where: { $0.name == word })
        {
            command = found
            invocation.command = found.name
            return
        }
        if command?.argumentsPlaceholder != nil {
            invocation.arguments.append(word)
            return
        }
        guard command == nil else { throw Failure(message: "\"\(word)\" is one word too many") }
        let hint = Nearest.hint(for: word, among: program.commands.map(\.name))
        throw Failure(message: "there is no command \"\(word)\"\(hint)")
    }

    private mutating func takeOption(_ word: String, _ rest: inout ArraySlice<String>) throws(Failure) {
        let short = ["-h": "--help", "-c": "--config", "-V": "--version"]
        let parts = (short[word] ?? word).split(
            separator: "=",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let name = String(parts[0].drop { $0 == "-" })
        let known = Program.commonOptions + (command?.options ?? program.options)
        guard parts[0].hasPrefix("--"), let option = known.first(where: { $0.name == name }) else {
            throw Failure(message: unknown(String(parts[0]), name, known))
        }
        guard option.placeholder != nil else {
            guard parts.count == 1 else { throw Failure(message: "--\(name) takes no value") }
            takeSwitch(name)
            return
        }
        let value: String
        if parts.count == 2 {
            value = String(parts[1])
        } else if let next = rest.popFirst() {
            value = next
        } else {
            throw Failure(message: "--\(name) wants a value: \(option.usage)")
        }
        try take(name, value)
    }

    private func unknown(_ word: String, _ name: String, _ known: [Program.Option]) -> String {
        if let owner = program.commands.first(where: { $0.options.contains { $0.name == name } }) {
            return "\(word) belongs to the command \"\(owner.name)\"; write it after that word"
        }
        return
            "there is no option \(word)\(Nearest.hint(for: "--" + name, among: known.map { "--" + $0.name }))"
    }

    private mutating func takeSwitch(_ name: String) {
        switch name {
        case "help": wantsHelp = true
        case "version": wantsVersion = true
        default: invocation.switches.insert(name)
        }
    }

    private mutating func take(_ name: String, _ value: String) throws(Failure) {
        if name == "set" {
            invocation.overrides.append(value)
            return
        }
        guard seen.insert(name).inserted else { throw Failure(message: "--\(name) is given twice") }
        guard !value.isEmpty else { throw Failure(message: "--\(name) has an empty value") }
        if name == "config" {
            invocation.configurationPath = value
            invocation.isConfigurationChosen = true
        } else {
            invocation.options[name] = value
        }
    }
}
