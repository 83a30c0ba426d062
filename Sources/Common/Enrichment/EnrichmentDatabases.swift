/// The databases that add fields, shared read-only by all workers.
package struct EnrichmentDatabases: Sendable {
    /// Nil when switched off, or when the rules cannot be read: events then lack `user_agent.*` beyond the text.
    let userAgents: UserAgentRules?
    let userAgentCacheEntries: Int
    /// Nil when switched off.
    package let geoip: GeoIPSource?

    /// Opens what is configured; what is missing is a warning, never a reason not to start.
    package init(_ configuration: EnrichmentConfiguration) {
        userAgentCacheEntries = configuration.userAgentCacheEntries
        geoip = configuration.geoipDatabase.isEmpty ? nil : GeoIPSource(path: configuration.geoipDatabase)
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

    /// Looks at the GeoIP database's file, and opens it when it is another one than before.
    ///
    /// Blocks for some file operations; called from one thread every now and then.
    ///
    /// - Returns: whether threads should `refresh` their look-ups.
    package func reloadIfChanged() -> Bool {
        guard let geoip else { return false }
        let before = geoip.currentGeneration
        geoip.reloadIfChanged()
        return geoip.currentGeneration != before
    }
}
