extension Program {
    /// The text of `--help`, for the program or for one of its commands.
    func help(for command: Command?) -> String {
        guard let command else { return programHelp }
        let words = command.argumentsPlaceholder.map { " \($0)" } ?? ""
        var text = "\(name) \(command.name): \(command.summary)\n\n"
        text += "Usage:\n  \(name) \(command.name) [options]\(words)\n\n"
        text +=
            "Options:\n" + Self.table((command.options + Self.commonOptions).map { ($0.usage, $0.summary) })
        return text + "\n" + footer
    }

    private var programHelp: String {
        var text = "\(name) \(Version.current): \(summary)\n\nUsage:\n  \(name) [options]\n"
        for command in commands {
            let words = command.argumentsPlaceholder.map { " \($0)" } ?? ""
            text += "  \(name) \(command.name) [options]\(words)\n"
        }
        text += "\nOptions:\n" + Self.table((options + Self.commonOptions).map { ($0.usage, $0.summary) })
        if !commands.isEmpty {
            text += "\nCommands:\n" + Self.table(commands.map { ($0.name, $0.summary) })
            text += "  \(name) COMMAND --help says more about one of them.\n"
        }
        return text + "\n" + footer
    }

    private var footer: String {
        """
        Configuration: \(defaultConfigurationPath) unless --config says otherwise.
        Exit codes: 0 success, 1 failure while running, 2 wrong command line or configuration.

        """
    }

    /// Two columns, the second at the same place in every row.
    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { left, right in
            let padding = String(repeating: " ", count: width - left.count)
            return "  \(left)\(padding)  \(right)\n"
        }.joined()
    }
}
