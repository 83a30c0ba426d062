import Common

/// Look-ups in databases for one worker: browser and device of a user agent, place of an address.
final class Enrichment {
    /// Sets `user_agent.*` from the agent in `line`.
    func setUserAgent(_ range: Range<Int>, of line: RawSpan, in event: inout Event) {}

    /// Sets `source.geo.*`.
    func setPlace(of address: IPAddress, in event: inout Event) {}
}
