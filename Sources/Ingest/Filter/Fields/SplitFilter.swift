import Common

/// Cuts a text into a list: `- split: {field: tags_text, separator: ",", target: tags}`.
///
/// Empty parts at the end are left out, as in Logstash and Elasticsearch. For one event per part, `split_event` follows.
struct SplitPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let separator: [UInt8]
    fileprivate let target: FieldPath

    init(_ reader: ConfigurationReader) {
        field = reader.requiredPath("field")
        separator = Array(reader.string("separator", default: ",").utf8)
        if separator.isEmpty { reader.problem("separator", "is empty; write what stands between the parts") }
        target = reader.path("target") ?? field
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { SplitFilter(plan: self) }
}

private final class SplitFilter: Filter {
    private static let maxParts = 10_000

    private let plan: SplitPlan
    private var text = ByteBuffer()

    init(plan: SplitPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.kind(of: node) == .text,
            record.copyText(of: node, into: &text)
        else { return .next }
        var parts = text.withSpan { Self.parts(of: $0, separator: plan.separator) }
        while let last = parts.last, last.isEmpty { parts.removeLast() }
        guard parts.count <= Self.maxParts else {
            throw FilterFailure(.split, "\(plan.field.text) has more than \(Self.maxParts) parts")
        }
        try record.admit(bytes: text.count, values: parts.count + FieldPath.maxDepth)
        try record.set(plan.target, container: .list)
        try text.withSpan { text throws(FilterFailure) in
            for part in parts { try record.append(plan.target, text: text, part) }
        }
        return .next
    }

    /// Stops behind the most parts that are allowed.
    private static func parts(of text: RawSpan, separator: [UInt8]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, index) = (0, 0)
        while parts.count <= maxParts,
            let hit = text.firstIndex(of: separator[0], in: index..<text.byteCount)
        {
            let end = hit + separator.count
            guard end <= text.byteCount, text.equals(separator, hit..<end) else {
                index = hit + 1
                continue
            }
            parts.append(start..<hit)
            start = end
            index = end
        }
        parts.append(start..<text.byteCount)
        return parts
    }
}

/// Makes one event of each element of a list: `- split_event: {field: records}`.
///
/// The element takes the list's place; all else is the same in each event. What is no list passes unchanged.
struct SplitEventPlan: FilterPlan, Filter {
    private let field: FieldPath

    init(_ reader: ConfigurationReader) { field = reader.requiredPath("field") }

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) -> FilterOutcome { .split(field) }
}
