/// The databases that add fields, shared read-only by all workers.
package struct EnrichmentDatabases: Sendable {
    /// Nil when switched off, or when the rules cannot be read: events then lack `user_agent.*` beyond the text.
    let userAgents: UserAgentRules?
    let userAgentCacheEntries: Int
    /// Nil when switched off.
    package let geoip: GeoIPSource?
    /// Databases that filters name, by their paths; the first one may be among them.
    private(set) var others: [String: GeoIPSource]

    /// Opens what is configured; what is missing is a warning, never a reason not to start.
    package init(_ configuration: EnrichmentConfiguration) {
        userAgentCacheEntries = configuration.userAgentCacheEntries
        let main = configuration.geoipDatabase.isEmpty ? nil : GeoIPSource(path: configuration.geoipDatabase)
        geoip = main
        others = Dictionary(
            uniqueKeysWithValues: configuration.otherGeoIPDatabases.map { path in
                if let main, main.path == path { return (path, main) }
                return (path, GeoIPSource(path: path))
            }
        )
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

    /// The same with these databases that filters name: those that are open stay, others are opened.
    package func naming(_ paths: Set<String>) -> EnrichmentDatabases {
        var databases = self
        databases.others = [:]
        for path in paths {
            let known = others[path] ?? (geoip?.path == path ? geoip : nil)
            databases.others[path] = known ?? GeoIPSource(path: path)
        }
        return databases
    }

    /// Whether there is a GeoIP database to look at from time to time.
    package var hasGeoIP: Bool { geoip != nil || !others.isEmpty }

    /// Looks at the GeoIP databases' files, and opens those that are others than before.
    ///
    /// Blocks for some file operations; called from one thread every now and then.
    ///
    /// - Returns: whether threads should `refresh` their look-ups.
    package func reloadIfChanged() -> Bool {
        var isChanged = false
        for source in [geoip].compactMap({ $0 }) + others.values.filter({ $0 !== geoip }) {
            let before = source.currentGeneration
            source.reloadIfChanged()
            if source.currentGeneration != before { isChanged = true }
        }
        return isChanged
    }
}
