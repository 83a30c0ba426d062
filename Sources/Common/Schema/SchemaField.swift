/// One field of a document: its dotted name and how the store indexes it.
package struct SchemaField: Equatable, Sendable {
    /// Index types that Elasticsearch from 7.17 on and OpenSearch share.
    package enum FieldType: Equatable, Sendable {
        /// Exact text; longer than 1024 characters is kept but not searchable.
        case keyword
        /// Text for search by words, without scores.
        case text
        /// Long exact text, searched with `*`, and by words under `.text`.
        case wildcard
        case date, ip, long, float, boolean
        case geoPoint
        case double, byte
        /// Kept and shown, neither searched nor sorted by.
        case unindexedLong
        /// Kept as a whole number after multiplication by the factor.
        case scaledFloat(Int)
        /// A keyword that the store makes of the whole document by a script (Painless); documents must not have it.
        case scriptedKeyword(String)
        /// An object that is stored as it came; its fields are not indexed.
        case storedObject
        /// Values and counts.
        case histogram
        /// Sum and number of values in one field, summed by default.
        case aggregateMetric
    }

    package let name: String
    package let type: FieldType

    package init(_ name: String, _ type: FieldType = .keyword) {
        self.name = name
        self.type = type
    }
}

extension SchemaField.FieldType {
    /// The mapping of a field of this type, as JSON.
    ///
    /// OpenSearch learned `match_only_text` in 2.12 and `wildcard` in 2.15; before, their plain kin serve.
    package func mapping(on product: ElasticsearchProduct) -> String {
        let words = product.has(openSearchMajor: 2, minor: 12) ? "match_only_text" : "text"
        switch self {
        case .keyword: return #"{"type":"keyword","ignore_above":1024}"#
        case .text: return #"{"type":"\#(words)"}"#
        case .wildcard:
            let exact =
                product.has(openSearchMajor: 2, minor: 15)
                // Lucene's own limit is 32,766 bytes, of up to four bytes a character.
                ? #""type":"wildcard""# : #""type":"keyword","ignore_above":8191"#
            return #"{\#(exact),"fields":{"text":{"type":"\#(words)"}}}"#
        case .date: return #"{"type":"date"}"#
        case .ip: return #"{"type":"ip"}"#
        case .long: return #"{"type":"long"}"#
        case .float: return #"{"type":"float"}"#
        case .boolean: return #"{"type":"boolean"}"#
        case .geoPoint: return #"{"type":"geo_point"}"#
        case .double: return #"{"type":"double"}"#
        case .byte: return #"{"type":"byte"}"#
        case .unindexedLong: return #"{"type":"long","index":false}"#
        case .scaledFloat(let factor): return #"{"type":"scaled_float","scaling_factor":\#(factor)}"#
        case .scriptedKeyword(let source):
            guard product.hasScriptedFields else { return SchemaField.FieldType.keyword.mapping(on: product) }
            // A name is not worth a document.
            return #"{"type":"keyword","ignore_above":1024,"on_script_error":"continue","#
                + #""script":{"source":"\#(source)"}}"#
        case .storedObject: return Self.unindexedObject
        // OpenSearch has neither; the numbers are kept, and read by whoever asks for the document.
        case .histogram:
            return product.kind == .openSearch ? Self.opaqueObject : #"{"type":"histogram"}"#
        case .aggregateMetric:
            guard product.kind != .openSearch else { return Self.opaqueObject }
            return
                #"{"type":"aggregate_metric_double","metrics":["sum","value_count"],"default_metric":"sum"}"#
        }
    }

    private static let unindexedObject = #"{"type":"object","dynamic":false}"#
    private static let opaqueObject = #"{"type":"object","enabled":false}"#
}
