import Common
import Synchronization

/// The databases that tell more of clients, opened when the first document needs them.
///
/// Most servers write to an Elasticsearch whose own pipelines do this: those spare the memory, and the warnings about
/// files that they have no use for.
final class ClientDatabases: Sendable {
    private let configuration: EnrichmentConfiguration
    private let state = Mutex<EnrichmentDatabases?>(nil)

    init(_ configuration: EnrichmentConfiguration) { self.configuration = configuration }

    /// Look-ups for one thread.
    ///
    /// The first call takes as long as reading the files: less than a tenth of a second.
    func makeLookUps() -> Enrichment {
        let databases = state.withLock { state in
            let databases = state ?? EnrichmentDatabases(configuration)
            state = databases
            return databases
        }
        return Enrichment(databases)
    }

    /// How often to call `reloadIfChanged`; nil for never.
    var reloadInterval: Duration? {
        configuration.geoipDatabase.isEmpty ? nil : configuration.geoipReloadInterval
    }

    /// Takes over a GeoIP database that has come or was replaced.
    ///
    /// - Returns: whether threads should let go of the old one, by `ClientDetails.refresh`.
    func reloadIfChanged() -> Bool {
        // Outside of the lock: it is a file that is read.
        let databases = state.withLock { $0 }
        return databases?.reloadIfChanged() ?? false
    }
}
