import Glibc

/// `dead-letters list|show|replay|purge` of a service: what can never be stored, looked at, sent again, or removed.
///
/// Works while the service runs: segments are locked one by one, and the service goes on in a new one.
package struct DeadLetterCommand {
    fileprivate enum Action: String, CaseIterable {
        case list, show, replay, purge

        /// Options that make sense for it.
        var options: Set<String> {
            switch self {
            case .list: ["json"]
            case .show: ["reason", "index", "limit"]
            case .replay: ["reason", "index", "timeout"]
            case .purge: ["reason", "index", "older-than", "all", "dry-run"]
            }
        }
    }

    /// What a replay needs.
    package struct Store {
        let settings: ElasticsearchSettings
        let setup: ElasticsearchSetup

        package init(_ settings: ElasticsearchSettings, setup: ElasticsearchSetup) {
            self.settings = settings
            self.setup = setup
        }
    }

    private struct UsageError: Error { let message: String }

    private static let defaultTimeout = Duration.seconds(60)

    private let program: String
    private let invocation: Invocation
    private let directory: DeadLetterDirectory
    private let store: Store?

    /// - Parameters:
    ///   - directory: of the segments.
    ///   - store: nil when the service does not write to Elasticsearch.
    package init(_ program: String, _ invocation: Invocation, directory: String, store: Store?) {
        self.program = program
        self.invocation = invocation
        self.directory = DeadLetterDirectory(directory)
        self.store = store
    }

    /// Does what the words of the command line say, and answers the exit code.
    package func run() -> Int32 {
        do {
            let action = try action()
            let filter = try filter()
            switch action {
            case .list: try list()
            case .show: try show(filter)
            case .replay: return try replay(filter)
            case .purge: try purge(filter)
            }
            return Program.ExitCode.success
        } catch let error as UsageError {
            complain(error.message)
            return Program.ExitCode.usage
        } catch {
            complain("\(error)")
            return Program.ExitCode.failure
        }
    }

    // MARK: - Words

    private func action() throws -> Action {
        let words = invocation.arguments
        let all = Action.allCases.map(\.rawValue).joined(separator: ", ")
        guard let word = words.first, let action = Action(rawValue: word), words.count == 1 else {
            throw UsageError(message: "say what to do with dead letters, one of: \(all)")
        }
        for option in invocation.switches.union(invocation.options.keys).sorted()
        where !action.options.contains(option) {
            let known = action.options.sorted().map { "--\($0)" }.joined(separator: ", ")
            throw UsageError(message: "dead-letters \(word) does not take --\(option); it takes \(known)")
        }
        return action
    }

    private func filter() throws -> DeadLetterFilter {
        var filter = DeadLetterFilter(
            reason: invocation.options["reason"],
            index: invocation.options["index"]
        )
        if let age = try duration("older-than") {
            filter.olderThan = CalendarTime(nanoseconds: Clock.now.nanoseconds - age.nanoseconds)
        }
        return filter
    }

    private func duration(_ option: String) throws -> Duration? {
        guard let text = invocation.options[option] else { return nil }
        guard let duration = Quantity.duration(text) else {
            throw UsageError(message: "--\(option) wants \(Quantity.durationForm), not \"\(text)\"")
        }
        return duration
    }

    // MARK: - Actions

    private func list() throws {
        let summary = try DeadLetterSummary(directory)
        if invocation.switches.contains("json") {
            StandardStream.write(summary.json())
        } else if summary.segments.isEmpty {
            StandardStream.write("there are no dead letters in \(directory.path)\n")
        } else {
            StandardStream.write(summary.text(now: Clock.now))
        }
    }

    /// Prints letters as they stand in the segments.
    private func show(_ filter: DeadLetterFilter) throws {
        var left = Int.max
        if let text = invocation.options["limit"] {
            guard let limit = Int(text), limit > 0 else {
                throw UsageError(message: "--limit wants a number above 0, not \"\(text)\"")
            }
            left = limit
        }
        let output = try Descriptor(adopting: 1)
        do {
            for segment in try directory.segments() {
                guard var reader = try DeadLetterReader.open(segment.path, takesRest: false) else { continue }
                while left > 0, try reader.advance() {
                    let isShown = try reader.withLine { line throws(Errno) in try show(line, filter, output) }
                    if isShown { left -= 1 }
                }
            }
        } catch let error as Errno where error == Errno(EPIPE) {
            // Whoever reads them has seen enough.
        }
    }

    private func show(
        _ line: RawSpan,
        _ filter: DeadLetterFilter,
        _ output: borrowing Descriptor
    ) throws(Errno) -> Bool {
        guard let entry = DeadLetterEntry(line), filter.matches(entry) else { return false }
        var text = ByteBuffer(capacity: line.byteCount + 1)
        text.append(line)
        text.append(UInt8(ascii: "\n"))
        try text.withUnsafeBytes { bytes throws(Errno) in try output.writeAll(bytes) }
        return true
    }

    private func replay(_ filter: DeadLetterFilter) throws -> Int32 {
        guard let store else {
            throw UsageError(
                message: "replay sends to Elasticsearch, and the configuration has another output"
            )
        }
        Log.configure(service: program, level: .error, format: .text)
        let timeout = try duration("timeout") ?? Self.defaultTimeout
        let total = try DeadLetterSummary(directory).segments.reduce(0) { $0 + $1.letters }
        let line = ProgressLine()
        let replay = DeadLetterReplay(directory, filter, store.settings, timeout: timeout) {
            progress,
            problem in
            let waiting = problem.isEmpty ? "" : "; waiting: \(problem)"
            line.show("\(progress.sent + progress.skipped) of \(total) letters" + waiting)
        }
        let interruption = try replay.run(setup: store.setup)
        line.end()
        let done = replay.progress
        StandardStream.write(
            "replayed \(done.sent) letters: \(done.stored) stored, \(done.duplicates) were there already, "
                + "\(done.refused) refused again and kept\n"
        )
        if done.unreadable > 0 {
            StandardStream.write(
                "\(done.unreadable) lines cannot be sent: they need \"index\" and a JSON object as \"document\"\n"
            )
        }
        if let interruption { complain("\(interruption)") }
        let isAll = interruption == nil && done.refused == 0 && done.unreadable == 0
        return isAll ? Program.ExitCode.success : Program.ExitCode.failure
    }

    private func purge(_ filter: DeadLetterFilter) throws {
        let isAll = invocation.switches.contains("all")
        guard isAll == filter.isEmpty else {
            throw UsageError(
                message: isAll
                    ? "--all is for all letters; leave it out, or leave the other criteria out"
                    : "say which letters go: --older-than, --reason, --index, or --all"
            )
        }
        let isDryRun = invocation.switches.contains("dry-run")
        let verb = isDryRun ? "would remove" : "removes"
        let purge = DeadLetterPurge(directory: directory, filter: filter, isDryRun: isDryRun) {
            path,
            letters in
            StandardStream.write("\(verb) \(letters) letters of \(path)\n")
        }
        let count = try purge.run()
        StandardStream.write(isDryRun ? "\(count) letters would go\n" : "removed \(count) letters\n")
    }

    private func complain(_ text: String) {
        StandardStream.write("\(program): \(TextTable.printable(text))\n", toError: true)
    }
}

extension Program.Command {
    /// For services that keep dead letters.
    package static let deadLetters = Program.Command(
        "dead-letters",
        "list, show, send again (replay) or remove (purge) what Elasticsearch can never store as it is",
        options: [
            .init(
                "reason",
                "TEXT",
                "show, replay, purge: letters whose error has TEXT in its type or reason"
            ),
            .init("index", "NAME", "show, replay, purge: letters for this index; * and ? stand for others"),
            .init("limit", "N", "show: at most N letters"),
            .init(
                "timeout",
                "TIME",
                "replay: give up when Elasticsearch settles nothing for so long (default 1m)"
            ),
            .init("older-than", "TIME", "purge: letters of this age, such as 7d"),
            .init("all", nil, "purge: all letters"),
            .init("dry-run", nil, "purge: only say what would be removed"),
            .init("json", nil, "list: JSON instead of tables"),
        ],
        argumentsPlaceholder: DeadLetterCommand.Action.allCases.map(\.rawValue).joined(separator: "|")
    )
}
