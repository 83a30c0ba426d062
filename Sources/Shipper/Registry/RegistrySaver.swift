import Common

/// Writes the registry to disk when it has changed: one save at a time, on a thread of its own.
///
/// Driven by the event loop. A save that fails is tried again after `interval`; shipping goes on meanwhile.
final class RegistrySaver {
    private let registry: Registry
    private let directory: String
    private let interval: Duration
    private let metrics: ShipperMetrics
    private let waker: Waker
    private var saving: BackgroundCall<AtomicFile.Failure?>?
    private var saveAt: Int64 = 0
    /// Why the last save failed; nil when it did not.
    private(set) var failure: String?

    init(registry: Registry, directory: String, interval: Duration, metrics: ShipperMetrics, waker: Waker) {
        self.registry = registry
        self.directory = directory
        self.interval = interval
        self.metrics = metrics
        self.waker = waker
    }

    /// When `begin` has something to do; nil while it has not.
    var deadline: Int64? { saving == nil && registry.isDirty ? saveAt : nil }

    /// Begins a save if one is due.
    ///
    /// - Parameter isAwaited: a line may not be sent before; the interval does not count.
    func begin(now: Int64, isAwaited: Bool) {
        guard saving == nil, registry.isDirty, now >= saveAt || isAwaited else { return }
        let snapshot = Snapshot(registry.snapshot())
        let directory = directory
        saveAt = now + interval.nanoseconds
        do {
            saving = try BackgroundCall("registry", waker: waker) {
                do throws(AtomicFile.Failure) {
                    try RegistryStore.save(snapshot.bytes, in: directory)
                    return nil
                } catch {
                    return error
                }
            }
        } catch {
            ended("no thread: \(error)")
        }
    }

    /// Takes notice of a save that has ended.
    func finish() {
        guard let result = saving?.take() else { return }
        saving = nil
        ended(result.map(\.description))
    }

    /// Saves what is not saved, at the end of the process; blocks.
    ///
    /// - Returns: whether everything is on the disk.
    func saveAtEnd() -> Bool {
        if let result = saving?.wait() {
            registry.saved(successfully: result == nil)
            saving = nil
        }
        guard registry.isDirty else { return true }
        do {
            try RegistryStore.save(registry.snapshot(), in: directory)
            return true
        } catch {
            Log.error(
                "the registry is not saved: lines are sent again at the next start",
                ["error": "\(error)"]
            )
            return false
        }
    }

    private func ended(_ error: String?) {
        registry.saved(successfully: error == nil)
        let isNews = (error == nil) != (failure == nil)
        failure = error
        guard let error else {
            metrics.registrySaves.add()
            if isNews { Log.info("the registry is saved again", ["path": directory]) }
            return
        }
        metrics.registryErrors.add()
        // Tried again every `registry_flush`, and told once.
        guard isNews else { return }
        Log.error(
            "the registry is not saved; shipping goes on and lines may be sent again after a crash",
            ["error": error]
        )
    }

    /// Bytes that another thread writes to disk.
    private final class Snapshot: Sendable {
        let bytes: ByteBuffer

        init(_ bytes: consuming ByteBuffer) { self.bytes = bytes }
    }
}
