import Common

/// Gives fields other names, with all below them: `- rename: {fields: {clientip: source.ip}}`.
///
/// A field that is not there is passed over; what has the new name already is replaced.
struct RenamePlan: FilterPlan, Filter {
    private let fields: [FieldPair]

    init(_ reader: ConfigurationReader) { fields = reader.fieldPairs }

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for pair in fields { try record.move(pair.source, to: pair.target) }
        return .next
    }
}

/// Copies fields, with all below them: `- copy: {fields: {source.ip: client.ip}}`.
struct CopyPlan: FilterPlan, Filter {
    private let fields: [FieldPair]

    init(_ reader: ConfigurationReader) { fields = reader.fieldPairs }

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for pair in fields where pair.source != pair.target {
            if let node = record.find(pair.source) { try record.set(pair.target, copyOf: node) }
        }
        return .next
    }
}

/// A field and the name that it or its copy gets.
struct FieldPair: Equatable, Sendable {
    let source: FieldPath
    let target: FieldPath
}

extension ConfigurationReader {
    /// The pairs under `fields`, of which there must be one.
    fileprivate var fieldPairs: [FieldPair] {
        let leaves = leaves("fields")
        if leaves.isEmpty { problem("fields", "is missing; write fields: {old: new}") }
        return leaves.compactMap { leaf in
            guard case .scalar(let text, _) = leaf.value else {
                problem("fields", "\(leaf.name): expected the name of a field")
                return nil
            }
            guard let source = path(leaf.name, of: "fields"), let target = path(text, of: "fields") else {
                return nil
            }
            return FieldPair(source: source, target: target)
        }
    }
}
