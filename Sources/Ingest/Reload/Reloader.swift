import Common

/// Reads the configuration again whenever it is asked to, on a thread of its own: the store may have to be waited for.
final class Reloader: Sendable {
    private struct State {
        var isRequested = false
        var isStopping = false
    }

    private let reloading: ConfigurationReload
    private let state = Monitor(State())
    private let thread = Monitor<Thread?>(nil)

    init(_ reloading: ConfigurationReload) { self.reloading = reloading }

    /// - Throws: when the system has no thread to give.
    func start() throws {
        let thread = try Thread("reload") { [self] in
            while waitForRequest() { reloading.run() }
        }
        self.thread.change { $0 = thread }
    }

    /// Asks for a reload; requests that come while one is under way are one more.
    func request() { state.change { $0.isRequested = true } }

    /// Ends a reload that is under way, and all further ones.
    func stop() {
        state.change { $0.isStopping = true }
        reloading.cancel()
        thread.read { $0 }?.join()
    }

    /// - Returns: false at the end.
    private func waitForRequest() -> Bool {
        state.wait { state -> Monitor<State>.Verdict<Bool> in
            if state.isStopping { return .proceed(false) }
            guard state.isRequested else { return .wait(until: Clock.monotonic + 60_000_000_000) }
            state.isRequested = false
            return .proceed(true)
        }
    }
}

/// One reload: from the file to the running pipelines.
struct ConfigurationReload: Sendable {
    /// Keys that take effect without a restart.
    private static let live: Set<String> = ["inputs", "pipelines", "pipeline_files"]

    let invocation: Invocation
    /// What the service was started with.
    let running: Configuration
    let inputs: RunningInputs
    let status: ReloadStatus
    let preparation: StorePreparation?
    let manager: ServiceManager?

    /// Takes the new configuration over, or says why not.
    func run() {
        manager?.tell(.reloading(at: Clock.monotonic))
        defer { manager?.tell(.ready) }
        do {
            let new = try read()
            try inputs.replace(with: new)
            let changed = WrittenValues.changes(from: running.written, to: new.written, except: Self.live)
            if !changed.isEmpty {
                Log.warning("takes effect at the next start", ["changed": changed.joined(separator: ", ")])
            }
            status.succeeded(now: Clock.now)
            Log.info(
                "inputs and pipelines are those of the new configuration",
                ["inputs": "\(new.inputs.count)"]
            )
        } catch {
            status.failed("\(error)", now: Clock.now)
            Log.error("the new configuration is refused; the one before stays", ["error": "\(error)"])
        }
    }

    func cancel() { preparation?.cancel() }

    private func read() throws(ConfigurationError) -> Configuration {
        let reader = try invocation.configuration()
        let new = Configuration(reader, cores: running.workers)
        try reader.finish()
        return new
    }
}
