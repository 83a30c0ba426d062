import Common
import Synchronization

/// What is known of API keys, and which of them are being asked about.
///
/// Pure bookkeeping: `APIKeys` asks Elasticsearch. A result counts for a minute; so does a refusal. There is room for
/// so many keys a minute; accepted keys keep theirs while they are in use, so that a flood of wrong ones cannot take it.
struct APIKeyCache {
    /// What Elasticsearch says of a key.
    enum Verdict: Equatable, Sendable {
        case granted(Identity.Privileges)
        case refused
        /// It could not be asked.
        case unavailable
    }

    enum Lookup {
        case known(Verdict)
        /// Somebody is asking already; `APIKeyCheck` tells.
        case pending(APIKeyCheck)
        /// The caller has to ask, and to call `settle`.
        case ask(APIKeyCheck)
        /// Too many keys in this minute.
        case full
    }

    private struct Entry {
        var check: APIKeyCheck?
        var verdict = Verdict.unavailable
        var validUntil = Int64.min
        /// The last time that Elasticsearch accepted it, and with which privileges.
        var accepted: (Identity.Privileges, at: Int64)?
        var usedAt = Int64.min
    }

    /// As in Elastic's server.
    static let lifetime = Duration.seconds(60)
    /// A key that Elasticsearch does not answer about is not asked for again before that.
    static let unavailableLifetime = Duration.seconds(5)
    /// While Elasticsearch cannot be asked, keys that it accepted stay good for so long: their events go to the spool,
    /// and agents never send again what is refused.
    static let graceLifetime = Duration.seconds(3600)
    /// Agents send every ten seconds; an accepted key without a request for so long makes room for others.
    static let idleLifetime = Duration.seconds(300)

    private let limit: Int
    private var entries: [String: Entry] = [:]
    /// Looking for room takes a walk over all entries: once a second at most.
    private var nextPurge = Int64.min

    /// - Parameter limit: keys a minute.
    init(limit: Int) { self.limit = limit }

    /// - Parameters:
    ///   - credential: what stands behind `ApiKey` in the header.
    ///   - now: monotonic nanoseconds.
    mutating func lookUp(_ credential: String, now: Int64) -> Lookup {
        if let entry = entries[credential] {
            entries[credential]?.usedAt = now
            if let check = entry.check { return .pending(check) }
            if now < entry.validUntil { return .known(entry.verdict) }
        } else if entries.count >= limit {
            guard now >= nextPurge else { return .full }
            purge(now: now)
            guard entries.count < limit else { return .full }
        }
        let check = APIKeyCheck()
        entries[credential, default: Entry(usedAt: now)].check = check
        return .ask(check)
    }

    /// Records what Elasticsearch said.
    ///
    /// - Returns: what holds: not the same when it could not be asked and the key was good before.
    mutating func settle(_ credential: String, _ verdict: Verdict, now: Int64) -> Verdict {
        guard var entry = entries[credential] else { return verdict }
        entry.check = nil
        entry.verdict = verdict
        entry.validUntil = now + Self.lifetime.nanoseconds
        switch verdict {
        case .granted(let privileges): entry.accepted = (privileges, now)
        case .refused: entry.accepted = nil
        case .unavailable:
            entry.validUntil = now + Self.unavailableLifetime.nanoseconds
            if let (privileges, at) = entry.accepted, now - at < Self.graceLifetime.nanoseconds {
                entry.verdict = .granted(privileges)
            }
        }
        entries[credential] = entry
        return entry.verdict
    }

    private mutating func purge(now: Int64) {
        nextPurge = now + 1_000_000_000
        entries = entries.filter { _, entry in
            if entry.check != nil || now < entry.validUntil { return true }
            return entry.accepted != nil && now - entry.usedAt < Self.idleLifetime.nanoseconds
        }
    }
}

/// One question to Elasticsearch about a key, for all requests that wait for its answer.
final class APIKeyCheck: Sendable {
    private struct State: Sendable {
        var verdict: APIKeyCache.Verdict?
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// nil while Elasticsearch has not answered.
    var verdict: APIKeyCache.Verdict? { state.withLock { $0.verdict } }

    /// Has `wake` called once, on another thread or at once.
    func whenSettled(_ wake: @escaping @Sendable () -> Void) {
        let isSettled = state.withLock { state in
            if state.verdict == nil { state.waiting.append(wake) }
            return state.verdict != nil
        }
        if isSettled { wake() }
    }

    func settle(_ verdict: APIKeyCache.Verdict) {
        let waiting = state.withLock { state in
            state.verdict = verdict
            defer { state.waiting = [] }
            return state.waiting
        }
        for wake in waiting { wake() }
    }
}
