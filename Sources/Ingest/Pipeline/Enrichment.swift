import Common

/// Look-ups in databases for one worker: browser and device of a user agent.
final class Enrichment {
    private let userAgents: UserAgentCache?

    init(userAgents: UserAgentCache?) { self.userAgents = userAgents }

    /// Sets `user_agent.*` from the agent in `line`.
    func setUserAgent(_ range: Range<Int>, of line: RawSpan, in event: inout Event) {
        guard let entry = userAgents?.entry(for: line, range) else { return }
        let start = event.arena.count
        event.arena.append(entry.members)
        event.replace(event.table.userAgent, members: start..<event.arena.count)
        event.set(.userAgentOriginal, text: range, in: .line)
    }
}
