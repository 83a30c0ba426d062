/// Databases that add fields (`geoip`, `user_agent`).
package struct EnrichmentConfiguration: Sendable {
    /// Path of the MMDB file; empty for no GeoIP.
    package var geoipDatabase: String
    package var geoipReloadInterval: Duration
    /// Path of uap-core's `regexes.yaml`; empty for no user-agent fields.
    package var userAgentRegexes: String
    package var userAgentCacheEntries: Int

    package init(
        geoipDatabase: String,
        geoipReloadInterval: Duration = .seconds(60),
        userAgentRegexes: String,
        userAgentCacheEntries: Int = 20_000
    ) {
        self.geoipDatabase = geoipDatabase
        self.geoipReloadInterval = geoipReloadInterval
        self.userAgentRegexes = userAgentRegexes
        self.userAgentCacheEntries = userAgentCacheEntries
    }

    /// - Parameter reader: the root.
    package init(_ reader: ConfigurationReader) {
        let geoip = reader.section("geoip")
        geoipDatabase = geoip.string("database", default: "")
        geoipReloadInterval = geoip.duration(
            "reload_interval",
            default: .seconds(60),
            in: .seconds(1)...(.seconds(86400))
        )
        let userAgent = reader.section("user_agent")
        userAgentRegexes = userAgent.string("regexes", default: "/usr/share/uap-core/regexes.yaml")
        userAgentCacheEntries = userAgent.int("cache_entries", default: 20_000, in: 1...1_000_000)
    }
}
