import Common

/// Takes blanks, tabs and line ends away from both ends of texts: `- trim: {fields: [user.name]}`.
struct TrimPlan: FilterPlan {
    fileprivate let fields: [FieldPath]

    init(_ reader: ConfigurationReader) { fields = reader.textFields }

    func filter(_ workplace: FilterWorkplace) -> any Filter { TrimFilter(plan: self) }
}

private final class TrimFilter: Filter {
    private let plan: TrimPlan
    private let editor = TextEditor()

    init(plan: TrimPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for field in plan.fields {
            try editor.edit(field, of: record) { text, output throws(FilterFailure) in
                let kept = text.trimmed(0..<text.byteCount)
                output.append(text, kept)
                return kept.count < text.byteCount
            }
        }
        return .next
    }
}

extension RawSpan {
    /// The part of a range without blanks and control bytes at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start] <= 0x20 { start += 1 }
        while end > start, self[end - 1] <= 0x20 { end -= 1 }
        return start..<end
    }
}
