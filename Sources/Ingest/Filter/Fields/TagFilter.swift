import Common

/// Adds words to `tags`, or takes them away: `- tag: {add: [slow, "%{service.name}"], remove: [new]}`.
struct TagPlan: FilterPlan {
    fileprivate var actions = SuccessActions()

    init(_ reader: ConfigurationReader) {
        actions.addTags = reader.texts("add")
        actions.removeTags = reader.strings("remove")
        if actions.isEmpty { reader.problem("add", "is missing; list the tags to add, or to remove") }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { TagFilter(plan: self) }
}

private final class TagFilter: Filter {
    private let plan: TagPlan
    private var scratch = ByteBuffer()

    init(plan: TagPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        try plan.actions.apply(to: record, scratch: &scratch)
        return .next
    }
}
