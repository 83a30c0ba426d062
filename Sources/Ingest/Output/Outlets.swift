import Common
import Synchronization

/// The outlets of all pipelines in use, by name: one each, whatever worker or reload asks.
final class Outlets: Sendable {
    private let metrics: Metrics
    private let outlets = Mutex<[String: Outlet]>([:])

    init(metrics: Metrics) { self.metrics = metrics }

    func outlet(pipeline: String) -> Outlet {
        outlets.withLock { outlets in
            if let known = outlets[pipeline] { return known }
            let new = Outlet(pipeline: pipeline, metrics: metrics)
            outlets[pipeline] = new
            return new
        }
    }

    /// Forgets the outlets of pipelines that are not named; what still goes by them comes to its end.
    func keep(only pipelines: Set<String>) {
        outlets.withLock { $0 = $0.filter { pipelines.contains($0.key) } }
    }

    /// The names of the pipelines, sorted.
    var names: [String] { outlets.withLock { $0.keys.sorted() } }
}
