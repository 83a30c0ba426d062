/// What answers at the address: which product, which version.
package struct ElasticsearchProduct: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case elasticsearch = "Elasticsearch", openSearch = "OpenSearch", unknown
    }

    package var kind: Kind
    /// `version.number` as it is.
    package var version: String
    package var major: Int
    package var minor: Int

    package init(kind: Kind, version: String) {
        self.kind = kind
        self.version = version
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        major = numbers.first ?? 0
        minor = numbers.dropFirst().first ?? 0
    }

    /// Reads the answer to `GET /`.
    ///
    /// OpenSearch names its distribution; Elasticsearch from 7.14 on names itself in a header, before that in its
    /// tagline. Anything else that speaks the API is served as well, as `unknown`.
    ///
    /// - Parameter header: of `X-Elastic-Product`.
    /// - Returns: nil when the answer has no `version.number`.
    package init?(_ bytes: RawSpan, header: String) {
        guard let version = JSONLookup.text(bytes, ["version", "number"]) else { return nil }
        let distribution = JSONLookup.text(bytes, ["version", "distribution"])
        let tagline = JSONLookup.text(bytes, ["tagline"])
        let isElasticsearch = header == "Elasticsearch" || tagline == "You Know, for Search"
        let kind: Kind =
            distribution == "opensearch" ? .openSearch : isElasticsearch ? .elasticsearch : .unknown
        self.init(kind: kind, version: version)
    }

    /// Whether a type or an API that OpenSearch has from a version on, and Elasticsearch since 7, is there.
    package func has(openSearchMajor: Int, minor: Int) -> Bool {
        guard kind == .openSearch else { return true }
        return major == openSearchMajor ? self.minor >= minor : major > openSearchMajor
    }

    /// Whether mappings may have scripts that make a field while a document is indexed.
    package var hasScriptedFields: Bool { kind == .elasticsearch && (major > 7 || major == 7 && minor >= 14) }

    /// Whether bulks may insist on data streams (`require_data_stream`).
    package var canRequireDataStreams: Bool {
        kind == .elasticsearch && (major > 8 || major == 8 && minor >= 13)
    }

    /// Oldest that knows composable index templates and documents without types in the way we send them.
    package var isSupported: Bool { kind != .elasticsearch || major > 7 || (major == 7 && minor >= 8) }
}
