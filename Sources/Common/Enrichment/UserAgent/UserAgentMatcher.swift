/// Applies the rules to one agent after the other; belongs to one thread.
struct UserAgentMatcher {
    private let rules: UserAgentRules
    private let match: RegularExpressionMatch
    private var candidates: UserAgentPrefilter.Candidates
    /// Expressions tried, for measurements.
    private(set) var triedCount = 0

    /// Browsers send a few hundred bytes; longer agents are not worth the time that a hostile one costs.
    static let maxAgentBytes = 10_000

    init(_ rules: UserAgentRules) {
        self.rules = rules
        match = RegularExpressionMatch(captures: rules.maxCaptures)
        candidates = UserAgentPrefilter.Candidates(for: rules.prefilter)
    }

    /// Searches that were given up because an expression backtracked too often; the rule then counts as not met.
    var limitHits: Int { match.limitHits }

    /// What the rules say about the agent `bytes[range]`.
    mutating func userAgent(_ bytes: RawSpan, _ range: Range<Int>) -> UserAgent {
        guard range.count <= Self.maxAgentBytes else { return .unknown }
        var agent = UserAgent.unknown
        rules.prefilter.find(in: bytes, range, &candidates)
        if let rule = firstMatch(.browser, bytes, range) {
            agent.browser.family = rule.value(0, of: bytes, match)
            agent.browser.version = (1..<5).map { rule.value($0, of: bytes, match) }
        }
        if let rule = firstMatch(.system, bytes, range) {
            agent.system.family = rule.value(0, of: bytes, match)
            agent.system.version = (1..<5).map { rule.value($0, of: bytes, match) }
        }
        if let rule = firstMatch(.device, bytes, range) {
            agent.device.family = rule.value(0, of: bytes, match)
            agent.device.brand = rule.value(1, of: bytes, match)
            agent.device.model = rule.value(2, of: bytes, match)
        }
        return agent
    }

    private mutating func firstMatch(
        _ list: UserAgentRules.List,
        _ bytes: RawSpan,
        _ range: Range<Int>
    ) -> UserAgentRule? {
        var rest = rules.ranges[list.rawValue]
        while let index = candidates.first(in: rest) {
            triedCount += 1
            if rules.rules[index].expression.firstMatch(in: bytes, range, into: match) {
                return rules.rules[index]
            }
            rest = index + 1..<rest.upperBound
        }
        return nil
    }
}
