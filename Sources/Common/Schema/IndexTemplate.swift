/// Settings and mappings for every index of one name (`nginx-*`), and how long its documents are kept.
package struct IndexTemplate: Equatable, Sendable {
    /// Above Elasticsearch's own `logs-*-*` (100) and Logstash's (200).
    ///
    /// The length of the name is added: of `nginx-*` and `nginx-error-*` the longer wins, where equal ones would be
    /// refused as overlapping.
    private static let basePriority = 300
    /// Elasticsearch's default, said aloud: it bounds what a log line with invented names can do to the cluster.
    private static let maxFields = 1000
    /// Grows with each change of the field lists; an older ingest leaves a newer template alone.
    package static let version = 1
    /// Who wrote it, in `_meta`: templates of others are left alone.
    package static let owner = "elkfa"

    /// Of the template and the lifecycle policy, and the beginning of the indices: `nginx` for `nginx-2026.11.22`.
    package var name: String
    package var fields: [SchemaField]
    package var shards = 1
    package var replicas = 1
    package var refreshInterval = Duration.seconds(5)
    /// Age at which an index is deleted; zero keeps it for ever.
    package var deleteAfter = Duration.seconds(30 * 86400)

    package init(name: String = "nginx", fields: [SchemaField] = NginxFields.all) {
        self.name = name
        self.fields = fields
    }

    package var pattern: String { "\(name)-*" }

    /// The body of `PUT /_index_template/NAME`.
    ///
    /// - Parameter hasLifecycle: the store has Elasticsearch's lifecycle management, which is named in the settings
    ///   (OpenSearch's finds its indices by pattern).
    package func body(on product: ElasticsearchProduct, hasLifecycle: Bool) -> String {
        let content = content(on: product, hasLifecycle: hasLifecycle)
        return #"{\#(content),"version":\#(Self.version),"_meta":\#(Self.meta(content))}"#
    }

    /// What tells one template of ours from another; compared with the one installed.
    package func fingerprint(on product: ElasticsearchProduct, hasLifecycle: Bool) -> String {
        Self.fingerprint(content(on: product, hasLifecycle: hasLifecycle))
    }

    private func content(on product: ElasticsearchProduct, hasLifecycle: Bool) -> String {
        var settings = [
            #""number_of_shards":"\#(shards)""#,
            #""number_of_replicas":"\#(replicas)""#,
            #""refresh_interval":"\#(Self.text(refreshInterval))""#,
            #""codec":"best_compression""#,
            #""mapping":{"total_fields":{"limit":"\#(Self.maxFields)"}}"#,
        ]
        if hasLifecycle { settings.append(#""lifecycle":{"name":"\#(name)"}"#) }
        // The properties' own braces open the object that the dynamic rules join.
        let properties = FieldMappings.json(fields, on: product).dropFirst()
        let strings =
            #"{"match_mapping_type":"string","mapping":\#(SchemaField.FieldType.keyword.mapping(on: product))}"#
        let mappings =
            #"{"date_detection":false,"dynamic_templates":[{"strings":\#(strings)}],\#(properties)"#
        let priority = Self.basePriority + name.utf8.count
        return #""index_patterns":["\#(pattern)"],"priority":\#(priority),"#
            + #""template":{"settings":{"index":{\#(settings.joined(separator: ","))}},"mappings":\#(mappings)}"#
    }

    static func meta(_ content: String) -> String {
        #"{"managed_by":"\#(owner)","content":"\#(fingerprint(content))"}"#
    }

    static func fingerprint(_ content: String) -> String {
        let hash = SipHash(key: 0, 0).hash(content)
        return String(hash.high, radix: 16) + "-" + String(hash.low, radix: 16)
    }

    /// A duration in Elasticsearch's notation, in the largest unit that is exact.
    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.nanoseconds / 1_000_000
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
            as [(String, Int64)]
        where milliseconds >= length && milliseconds % length == 0 {
            return "\(milliseconds / length)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
