import Common
import Synchronization

/// All central configurations in memory: those of the configuration file and those of Elasticsearch.
///
/// Shared by the workers and the thread that reads the index.
final class AgentConfigurations: Sendable {
    enum Match: Equatable {
        case found(AgentConfiguration)
        case nothing
        /// Elasticsearch has not been read yet, and the file has nothing that fits.
        case unavailable
    }

    private struct State: Sendable {
        /// nil until the index was read for the first time.
        var stored: [AgentConfiguration]?
        /// Etags that agents have confirmed since the last report.
        var applied: Set<String> = []
    }

    private let configured: [AgentConfiguration]
    private let state: Mutex<State>

    /// - Parameters:
    ///   - configured: of the configuration file; they win against equally fitting ones of Elasticsearch.
    ///   - isStoreRead: whether there will be others from Elasticsearch.
    init(configured: [AgentConfiguration], isStoreRead: Bool) {
        self.configured = configured
        state = Mutex(State(stored: isStoreRead ? nil : []))
    }

    /// Replaces what Elasticsearch has.
    func update(stored: [AgentConfiguration]) { state.withLock { $0.stored = stored } }

    /// The best match for a service; see `best(service:environment:)`.
    func find(service: String, environment: String) -> Match {
        let own = configured.best(service: service, environment: environment)
        let stored = state.withLock { $0.stored }
        guard let stored else { return own.map { .found($0.configuration) } ?? .unavailable }
        let theirs = stored.best(service: service, environment: environment)
        guard let own else { return theirs.map { .found($0.configuration) } ?? .nothing }
        guard let theirs, theirs.rank < own.rank else { return .found(own.configuration) }
        return .found(theirs.configuration)
    }

    /// Notes that an agent has this configuration.
    func applied(_ configuration: AgentConfiguration) {
        guard configuration != .none else { return }
        state.withLock { _ = $0.applied.insert(configuration.etag) }
    }

    /// The etags that agents have confirmed since the last call, in order.
    func takeApplied() -> [String] {
        state.withLock { state in
            defer { state.applied.removeAll(keepingCapacity: true) }
            return state.applied.sorted()
        }
    }
}
