import Synchronization

/// Databases by their paths: each file is opened once, however many ask for it.
///
/// What was opened stays open, also when a reloaded configuration no longer names it: there are few.
final class GeoIPSources: Sendable {
    private let sources: Mutex<[String: GeoIPSource]>

    init(_ sources: [GeoIPSource]) {
        self.sources = Mutex(Dictionary(sources.map { ($0.path, $0) }) { first, _ in first })
    }

    /// All of them, by their paths.
    var all: [String: GeoIPSource] { sources.withLock { $0 } }

    /// Opens the file at `path`, unless it is open already; blocks for some file operations.
    func open(_ path: String) {
        sources.withLock { if $0[path] == nil { $0[path] = GeoIPSource(path: path) } }
    }
}
