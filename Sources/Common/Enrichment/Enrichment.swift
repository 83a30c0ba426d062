/// Look-ups in databases with caches for one thread: the browser behind a user agent, the place of an address.
package final class Enrichment {
    private let userAgents: UserAgentCache?
    private let places: GeoIPCache?
    /// By the paths of all databases.
    private let placesByPath: [String: GeoIPCache]

    /// - Parameter databases: those that are open by now.
    package convenience init(_ databases: EnrichmentDatabases) {
        let places = databases.geoip.map { GeoIPCache(source: $0) }
        self.init(
            userAgents: databases.userAgents.map {
                UserAgentCache(rules: $0, entries: databases.userAgentCacheEntries)
            },
            places: places,
            placesByPath: databases.places.all.mapValues { source in
                if let places, source === databases.geoip { return places }
                return GeoIPCache(source: source)
            }
        )
    }

    /// - Parameters: nil means that nothing is looked up there.
    init(userAgents: UserAgentCache?, places: GeoIPCache?, placesByPath: [String: GeoIPCache] = [:]) {
        self.userAgents = userAgents
        self.places = places
        self.placesByPath = placesByPath
    }

    /// Lets go of a database that has been replaced.
    ///
    /// Look-ups do it by themselves; an idle thread makes none.
    package func refresh() {
        places?.refresh()
        for cache in placesByPath.values { cache.refresh() }
    }

    /// Whether agents can be looked up.
    package var hasUserAgents: Bool { userAgents != nil }

    /// Whether there is a database of that path; nil for the one that pipelines use.
    package func hasPlaces(in database: String?) -> Bool {
        database.map { placesByPath[$0] != nil } ?? (places != nil)
    }

    /// What is known of the agent in `line`, as its client sent it; nil without rules.
    package func userAgent(_ range: Range<Int>, of line: RawSpan) -> UserAgentEntry? {
        userAgents?.entry(for: line, range)
    }

    /// The place of an address; nil for private and unknown ones, and without a database.
    package func place(of address: IPAddress) -> GeoIPEntry? { places?.entry(for: address) }

    /// The place of an address in the database of that path; nil as well when there is no such database.
    package func place(of address: IPAddress, in database: String) -> GeoIPEntry? {
        placesByPath[database]?.entry(for: address)
    }
}
