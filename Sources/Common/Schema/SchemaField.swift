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
        }
    }
}
