import Common

/// Look-ups in databases for one worker: the browser behind a user agent, the place of an address.
final class Enrichment {
    private let userAgents: UserAgentCache?
    private let places: GeoIPCache?

    /// - Parameters: nil means that nothing is looked up there.
    init(userAgents: UserAgentCache?, places: GeoIPCache?) {
        self.userAgents = userAgents
        self.places = places
    }

    /// Lets go of a database that has been replaced.
    ///
    /// Look-ups do it by themselves; an idle worker makes none.
    func refresh() { places?.refresh() }

    /// Sets `user_agent.*` from the agent in `line`.
    func setUserAgent(_ range: Range<Int>, of line: RawSpan, in event: inout Event) {
        guard let entry = userAgents?.entry(for: line, range) else { return }
        let start = event.arena.count
        event.arena.append(entry.members)
        event.replace(event.table.userAgent, members: start..<event.arena.count)
        event.set(.userAgentOriginal, text: range, in: .line)
    }

    /// Sets `source.geo.*`.
    func setPlace(of address: IPAddress, in event: inout Event) {
        guard let entry = places?.entry(for: address) else { return }
        let start = event.arena.count
        event.arena.append(entry.members)
        event.replace(event.table.sourceGeo, members: start..<event.arena.count)
    }
}
