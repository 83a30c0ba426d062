import Common

/// Says which browser, system and device a user agent is: `- user_agent: {field: agent, target: user_agent}`.
///
/// What stood in the target is replaced; `original` in it is the text. An agent that no rule knows is "Other".
struct UserAgentPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let target: FieldPath
    fileprivate let original: FieldPath?

    init(_ reader: ConfigurationReader) {
        field = reader.path("field", default: "user_agent.original")
        target = reader.path("target", default: "user_agent")
        original = target.appending("original")
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter {
        if workplace.enrichment?.hasUserAgents != true {
            Log.limited(
                .warning,
                key: "user_agent \(workplace.pipeline)",
                "the filter user_agent has no rules; set user_agent.regexes to the file of uap-core",
                ["pipeline": workplace.pipeline]
            )
        }
        return UserAgentFilter(plan: self, enrichment: workplace.enrichment)
    }
}

private final class UserAgentFilter: Filter {
    private let plan: UserAgentPlan
    private let enrichment: Enrichment?
    private var text = ByteBuffer()
    private var json = ByteBuffer()

    init(plan: UserAgentPlan, enrichment: Enrichment?) {
        self.plan = plan
        self.enrichment = enrichment
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let enrichment, let node = record.find(plan.field), record.kind(of: node) == .text,
            record.copyText(of: node, into: &text), !text.isEmpty
        else { return .next }
        guard let entry = text.withSpan({ enrichment.userAgent(0..<$0.byteCount, of: $0) }) else {
            return .next
        }
        json.removeAll()
        json.append(UInt8(ascii: "{"))
        json.append(entry.members)
        json.append(UInt8(ascii: "}"))
        try json.withSpan { json throws(FilterFailure) in
            try record.set(plan.target, json: json, 0..<json.byteCount)
        }
        if let original = plan.original {
            try text.withSpan { text throws(FilterFailure) in
                try record.set(original, text: text, 0..<text.byteCount)
            }
        }
        return .next
    }
}
