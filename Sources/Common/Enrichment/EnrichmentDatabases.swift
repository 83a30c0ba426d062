/// The databases that add fields, shared read-only by all workers.
package struct EnrichmentDatabases: Sendable {
    /// Nil when switched off, or when the rules cannot be read: events then lack `user_agent.*` beyond the text.
    let userAgents: UserAgentRules?
    let userAgentCacheEntries: Int
    /// Nil when switched off.
    package let geoip: GeoIPSource?
    /// This one, and those that filters name.
    let places: GeoIPSources

    /// Opens what is configured; what is missing is a warning, never a reason not to start.
    package init(_ configuration: EnrichmentConfiguration) {
        userAgentCacheEntries = configuration.userAgentCacheEntries
        geoip = configuration.geoipDatabase.isEmpty ? nil : GeoIPSource(path: configuration.geoipDatabase)
        places = GeoIPSources(geoip.map { [$0] } ?? [])
        guard !configuration.userAgentRegexes.isEmpty else {
            userAgents = nil
            return
        }
        do { userAgents = try UserAgentRules(path: configuration.userAgentRegexes) } catch {
            Log.warning(
                "user agents are not parsed: the rules cannot be used; install uap-core or set user_agent.regexes",
                ["error": "\(error)"]
            )
            userAgents = nil
        }
    }

    /// Opens further GeoIP databases; what cannot be opened is a warning.
    package func open(geoip paths: [String]) {
        for path in paths { places.open(path) }
    }

    /// Looks at the GeoIP databases' files, and opens those that are others than before.
    ///
    /// Blocks for some file operations; called from one thread every now and then.
    ///
    /// - Returns: whether threads should `refresh` their look-ups.
    package func reloadIfChanged() -> Bool {
        var isChanged = false
        for source in places.all.values {
            let before = source.currentGeneration
            source.reloadIfChanged()
            if source.currentGeneration != before { isChanged = true }
        }
        return isChanged
    }
}
