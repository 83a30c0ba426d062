/// Settings and mappings for every index of one name (`nginx-*`), and how long its documents are kept.
package struct IndexTemplate: Equatable, Sendable {
    /// Above Elasticsearch's own `logs-*-*` (100) and Logstash's (200).
    ///
    /// The length of the name is added: of `nginx-*` and `nginx-error-*` the longer wins, where equal ones would be
    /// refused as overlapping.
    private static let basePriority = 300
    /// Elasticsearch's default, said aloud: it bounds what a log line with invented names can do to the cluster.
    private static let defaultMaxFields = 1000
    /// Grows with each change of the field lists; an older ingest leaves a newer template alone.
    package static let version = 2
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
    /// Names of indices or data streams that it is for.
    package var patterns: [String]
    /// What matches is a data stream, rolled over at an age or a size.
    package var isDataStream = false
    /// Added to the priority, for the more special of two patterns whose lengths do not tell.
    package var extraPriority = 0
    /// A value of the wrong type is kept without being indexed, instead of costing the document.
    package var toleratesMalformedValues = false
    /// The newest documents come first in the index: queries for the last ones of a time range end early.
    package var isSortedByTime = false
    /// Fields of the index above which a new one costs the document.
    package var maxFields = Self.defaultMaxFields
    /// Types of fields that are not in the list, by name or by kind of value; text is a keyword in any case.
    package var dynamicRules: [DynamicRule] = []

    package init(name: String = "nginx", fields: [SchemaField] = LogFields.all) {
        self.name = name
        self.fields = fields
        patterns = ["\(name)-*"]
    }

    /// The type of fields that come without being in the list.
    package struct DynamicRule: Equatable, Sendable {
        package enum Fields: Equatable, Sendable {
            /// Dotted names with `*`.
            case named(String)
            /// Numbers of any kind.
            case numbers
        }

        package let fields: Fields
        package let type: SchemaField.FieldType

        package init(_ fields: Fields, _ type: SchemaField.FieldType) {
            self.fields = fields
            self.type = type
        }
    }

    /// The same for a store without data streams.
    ///
    /// An index that nothing follows must not be deleted at an age: it has the newest documents too.
    package var forPlainIndices: IndexTemplate {
        var template = self
        template.isDataStream = false
        template.deleteAfter = .zero
        return template
    }

    package var pattern: String { patterns.joined(separator: ",") }

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
            #""mapping":{\#(mappingLimits)}"#,
        ]
        if isSortedByTime { settings.append(#""sort":{"field":"@timestamp","order":"desc"}"#) }
        if hasLifecycle { settings.append(#""lifecycle":{"name":"\#(name)"}"#) }
        // The properties' own braces open the object that the dynamic rules join.
        let properties = FieldMappings.json(fields, on: product).dropFirst()
        let rules = (dynamicRules.flatMap { $0.json(on: product) } + [Self.strings(on: product)])
            .joined(separator: ",")
        let mappings = #"{"date_detection":false,"dynamic_templates":[\#(rules)],\#(properties)"#
        let priority = Self.basePriority + name.utf8.count + extraPriority
        let names = patterns.map { "\"\($0)\"" }.joined(separator: ",")
        let stream = isDataStream ? #""data_stream":{},"# : ""
        return #""index_patterns":[\#(names)],\#(stream)"priority":\#(priority),"#
            + #""template":{"settings":{"index":{\#(settings.joined(separator: ","))}},"mappings":\#(mappings)}"#
    }

    private var mappingLimits: String {
        let limit = #""total_fields":{"limit":"\#(maxFields)"}"#
        return toleratesMalformedValues ? #""ignore_malformed":"true",\#(limit)"# : limit
    }

    private static func strings(on product: ElasticsearchProduct) -> String {
        let mapping = SchemaField.FieldType.keyword.mapping(on: product)
        return #"{"strings":{"match_mapping_type":"string","mapping":\#(mapping)}}"#
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

extension IndexTemplate.DynamicRule {
    /// As elements of `dynamic_templates`.
    fileprivate func json(on product: ElasticsearchProduct) -> [String] {
        let mapping = type.mapping(on: product)
        switch fields {
        case .named(let path):
            return [#"{"\#(path)":{"path_match":"\#(path)","mapping":\#(mapping)}}"#]
        case .numbers:
            return ["long", "double"].map {
                #"{"numbers_\#($0)":{"match_mapping_type":"\#($0)","mapping":\#(mapping)}}"#
            }
        }
    }
}
