import Common

/// What look-ups in databases add to events.
extension Enrichment {
    /// Sets `user_agent.*` from the agent in `line`.
    func setUserAgent(_ range: Range<Int>, of line: RawSpan, in event: inout Event) {
        guard let entry = userAgent(range, of: line) else { return }
        let start = event.arena.count
        event.arena.append(entry.members)
        event.replace(event.table.userAgent, members: start..<event.arena.count)
        event.set(.userAgentOriginal, text: range, in: .line)
    }

    /// Sets `source.geo.*`.
    func setPlace(of address: IPAddress, in event: inout Event) {
        guard let entry = place(of: address), !entry.members.isEmpty else { return }
        let start = event.arena.count
        event.arena.append(entry.members)
        event.replace(event.table.sourceGeo, members: start..<event.arena.count)
    }
}
