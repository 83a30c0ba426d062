import Common

/// Stores no document for an event: `- drop: {}` behind a condition.
struct DropPlan: FilterPlan, Filter {
    init(_ reader: ConfigurationReader) {}

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) -> FilterOutcome { .drop }
}
