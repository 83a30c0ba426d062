import Common

/// Makes one text of a list: `- join: {field: tags, separator: ", ", target: tags_text}`.
///
/// What is no list passes unchanged; lists and objects in the list are written as JSON.
struct JoinPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let separator: [UInt8]
    fileprivate let target: FieldPath

    init(_ reader: ConfigurationReader) {
        field = reader.requiredPath("field")
        separator = Array(reader.string("separator", default: ",").utf8)
        target = reader.path("target") ?? field
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { JoinFilter(plan: self) }
}

private final class JoinFilter: Filter {
    private let plan: JoinPlan
    private var text = ByteBuffer()

    init(plan: JoinPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.kind(of: node) == .list else { return .next }
        text.removeAll()
        var isFirst = true
        record.forEach(in: node) { _, element in
            if !isFirst { text.append(plan.separator) }
            isFirst = false
            record.appendText(of: element, to: &text)
            return true
        }
        try record.admit(bytes: text.count)
        try text.withSpan { text throws(FilterFailure) in
            try record.set(plan.target, text: text, 0..<text.byteCount)
        }
        return .next
    }
}
