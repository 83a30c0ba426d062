import Common

/// Removes fields, with all below them: `- remove: {fields: [user.name, url.query]}`.
struct RemovePlan: FilterPlan, Filter {
    private let fields: [FieldPath]

    init(_ reader: ConfigurationReader) {
        fields = reader.paths("fields")
        if fields.isEmpty { reader.problem("fields", "is missing; list the fields to remove") }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) -> FilterOutcome {
        for field in fields { record.remove(field) }
        return .next
    }
}
