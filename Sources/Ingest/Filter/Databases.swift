import Common

/// The databases that add fields, shared read-only by all workers.
struct Databases: Sendable {
    /// Nil when switched off, or when the rules cannot be read: events then lack `user_agent.*` beyond the text.
    let userAgents: UserAgentRules?
    let userAgentCacheEntries: Int
    /// Nil when switched off.
    let geoip: GeoIPSource?

    /// Opens what is configured; what is missing is a warning, never a reason not to start.
    init(_ configuration: EnrichmentConfiguration) {
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
}

extension Databases {
    /// Look-ups with caches for one thread.
    func enrichment() -> Enrichment {
        Enrichment(
            userAgents: userAgents.map { UserAgentCache(rules: $0, entries: userAgentCacheEntries) },
            places: geoip.map { GeoIPCache(source: $0) }
        )
    }
}
