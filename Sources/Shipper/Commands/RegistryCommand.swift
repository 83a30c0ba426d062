import Common
import Glibc

/// `shipper registry`: what is known of files, and how to make the shipper forget one.
struct RegistryCommand {
    private enum Action {
        case list, export
        case forget(String)
    }

    let directory: String
    private let words: [String]
    private let isJSON: Bool
    private let isDryRun: Bool

    init(_ invocation: Invocation, directory: String) {
        self.directory = directory
        words = invocation.arguments
        isJSON = invocation.switches.contains("json")
        isDryRun = invocation.switches.contains("dry-run")
    }

    func run() -> Int32 {
        do throws(RegistryStore.Failure) {
            switch action {
            case .list: try list(asJSON: isJSON)
            case .export: try list(asJSON: true)
            case .forget(let pattern): return try forget(pattern)
            case nil:
                complain("say what to do: registry list, registry export, or registry forget PATTERN")
                return Program.ExitCode.usage
            }
            return Program.ExitCode.success
        } catch {
            complain("\(error)")
            return Program.ExitCode.failure
        }
    }

    private var action: Action? {
        switch (words.first, words.count) {
        case ("list", 1) where !isDryRun: .list
        case ("export", 1) where !isDryRun: .export
        case ("forget", 2) where !isJSON: .forget(words[1])
        default: nil
        }
    }

    private func list(asJSON: Bool) throws(RegistryStore.Failure) {
        let entries = try entries()
        if asJSON {
            var text = ByteBuffer(capacity: 64 << 10)
            for entry in entries {
                text.append(entry.json)
                text.append(UInt8(ascii: "\n"))
            }
            StandardStream.write(text.text)
            return
        }
        guard !entries.isEmpty else { return }
        var table = TextTable(RegistryEntry.columns)
        for entry in entries { table.add(entry.cells) }
        StandardStream.write(table.text)
    }

    /// - Returns: 1 when there is nothing to forget.
    private func forget(_ pattern: String) throws(RegistryStore.Failure) -> Int32 {
        // A dry run looks only, so it may be done beside a running shipper.
        let store = isDryRun ? nil : try lockedStore()
        let entries = try entries()
        let forgotten = entries.filter { Self.matches($0, pattern) }
        guard !forgotten.isEmpty else {
            complain("no state has a path or an identity that \"\(pattern)\" matches")
            return Program.ExitCode.failure
        }
        let verb = isDryRun ? "would forget" : "forgets"
        for entry in forgotten {
            let identity = entry.identity.map { " " + $0 } ?? ""
            StandardStream.write(
                TextTable.printable(
                    "\(verb) \(entry.state.path)\(identity): \(entry.state.offset) bytes stored, "
                        + entry.condition.rawValue
                ) + "\n"
            )
        }
        if let store {
            let kept = entries.filter { !Self.matches($0, pattern) }.map(\.state)
            do throws(AtomicFile.Failure) {
                try RegistryStore.save(RegistryFile.encode(kept), in: store.directory)
            } catch {
                throw RegistryStore.Failure(description: "nothing is forgotten: \(error)")
            }
        }
        return Program.ExitCode.success
    }

    private func entries() throws(RegistryStore.Failure) -> [RegistryEntry] {
        if let states = try RegistryReader.read(directory) { return RegistryEntry.all(states) }
        complain("there is no registry in \(directory): nothing was shipped yet")
        return []
    }

    /// The data directory, which no shipper uses while this is held.
    private func lockedStore() throws(RegistryStore.Failure) -> Lock? {
        // A directory that is missing is not made for this.
        guard access(directory, F_OK) == 0 else { return nil }
        do throws(RegistryStore.Failure) {
            return Lock(try RegistryStore(directory: directory))
        } catch {
            guard error.isInUse else { throw error }
            throw RegistryStore.Failure(
                description:
                    "nothing is forgotten: a shipper runs on \(directory) and would write it all again; "
                    + "stop it first"
            )
        }
    }

    /// Holds the lock: optionals of it can be passed on.
    private final class Lock {
        private let store: RegistryStore
        var directory: String { store.directory }

        init(_ store: consuming RegistryStore) { self.store = store }
    }

    /// Whether a state is meant by an identity, or by a path in which `*`, `?` and `[…]` stand for names.
    static func matches(_ entry: RegistryEntry, _ pattern: String) -> Bool {
        entry.identity == pattern || fnmatch(pattern, entry.state.path, Int32(FNM_PATHNAME)) == 0
    }

    private func complain(_ text: String) {
        StandardStream.write("shipper: " + TextTable.printable(text) + "\n", toError: true)
    }
}

extension Program.Command {
    static let registry = Program.Command(
        "registry",
        "list or export what is known of files, or forget some (PATTERN: a path with globs, or an identity)",
        options: [
            .init("json", nil, "list: one JSON object per line"),
            .init("dry-run", nil, "forget: only say what would be forgotten"),
        ],
        argumentsPlaceholder: "list|export|forget PATTERN"
    )
}
