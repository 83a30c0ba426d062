/// Look-ups in databases with caches for one thread: the browser behind a user agent, the place of an address.
package final class Enrichment {
    private let userAgents: UserAgentCache?
    private let places: GeoIPCache?

    package convenience init(_ databases: EnrichmentDatabases) {
        self.init(
            userAgents: databases.userAgents.map {
                UserAgentCache(rules: $0, entries: databases.userAgentCacheEntries)
            },
            places: databases.geoip.map { GeoIPCache(source: $0) }
        )
    }

    /// - Parameters: nil means that nothing is looked up there.
    init(userAgents: UserAgentCache?, places: GeoIPCache?) {
        self.userAgents = userAgents
        self.places = places
    }

    /// Lets go of a database that has been replaced.
    ///
    /// Look-ups do it by themselves; an idle thread makes none.
    package func refresh() { places?.refresh() }

    /// What is known of the agent in `line`, as its client sent it; nil without rules.
    package func userAgent(_ range: Range<Int>, of line: RawSpan) -> UserAgentEntry? {
        userAgents?.entry(for: line, range)
    }

    /// The place of an address; nil for private and unknown ones, and without a database.
    package func place(of address: IPAddress) -> GeoIPEntry? { places?.entry(for: address) }
}
