/// Turns a flat list of dotted names into the nested `properties` of a mapping.
package enum FieldMappings {
    /// One level of the tree: fields of this name, or objects with fields below them.
    private indirect enum Node {
        case field(SchemaField.FieldType)
        case object([String: Node])
    }

    /// `{"properties":{"host":{"properties":{"name":{"type":…}}}}}`, keys in order, so that equal lists give equal text.
    ///
    /// A name that is both a field and the beginning of another is an error of ours and stops the program.
    package static func json(_ fields: [SchemaField], on product: ElasticsearchProduct) -> String {
        var root: [String: Node] = [:]
        for field in fields {
            insert(field, field.name.split(separator: ".").map(String.init)[...], into: &root)
        }
        return text(root, product)
    }

    private static func insert(
        _ field: SchemaField,
        _ path: ArraySlice<String>,
        into level: inout [String: Node]
    ) {
        guard let name = path.first else { return }
        if path.count == 1 {
            guard level[name] == nil else { fatalError("field \(field.name) is listed twice") }
            level[name] = .field(field.type)
            return
        }
        var children: [String: Node] = [:]
        switch level[name] {
        case .object(let existing): children = existing
        case .field: fatalError("field \(field.name) lies below another field")
        case nil: break
        }
        insert(field, path.dropFirst(), into: &children)
        level[name] = .object(children)
    }

    private static func text(_ level: [String: Node], _ product: ElasticsearchProduct) -> String {
        let members = level.sorted { $0.key < $1.key }.map { name, node in
            switch node {
            case .field(let type): #""\#(name)":\#(type.mapping(on: product))"#
            case .object(let children): #""\#(name)":\#(text(children, product))"#
            }
        }
        return #"{"properties":{\#(members.joined(separator: ","))}}"#
    }
}
