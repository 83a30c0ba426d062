import Glibc

/// Answers about user agents, remembered; belongs to one thread.
///
/// Agents are told apart by all their bytes, not by hash alone, so a crafted collision cannot give one client the
/// answer of another; the hash is keyed, so that collisions cannot be crafted to slow the table down either.
final class UserAgentCache {
    private var matcher: UserAgentMatcher
    private var table: GenerationTable<UserAgentEntry>
    private let hash = KeyedHash()
    private(set) var hits = 0
    private(set) var misses = 0

    /// - Parameters:
    ///   - entries: agents remembered at most.
    ///   - bytes: memory for them at most, about.
    init(rules: UserAgentRules, entries: Int, bytes: Int = 8 << 20) {
        matcher = UserAgentMatcher(rules)
        table = GenerationTable(entries: entries, cost: bytes)
    }

    /// Agents remembered now.
    var count: Int { table.count }
    /// Memory they take, about.
    var cost: Int { table.cost }
    /// Searches given up, see `RegularExpressionMatch.limitHits`.
    var limitHits: Int { matcher.limitHits }

    /// The answer for an agent's bytes as the client sent them; allocates nothing when it is remembered.
    func entry(for bytes: RawSpan, _ range: Range<Int>) -> UserAgentEntry {
        guard range.count <= UserAgentMatcher.maxAgentBytes else {
            misses += 1
            return Self.tooLong
        }
        let hash = hash.hash(bytes, range)
        if let entry = table.find(hash, cost: \.cost, { $0.isAbout(bytes, range) }) {
            hits += 1
            return entry
        }
        misses += 1
        let entry = UserAgentEntry(key: bytes.bytes(range), matcher.userAgent(bytes, range))
        table.insert(entry, hash: hash, cost: entry.cost)
        return entry
    }

    /// Not remembered: ten kilobytes a piece would crowd out the agents of people.
    private static var tooLong: UserAgentEntry { UserAgentEntry(key: [], .unknown) }
}

extension UserAgentEntry {
    @inline(__always)
    fileprivate func isAbout(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        guard key.count == range.count else { return false }
        return key.withUnsafeBytes { key in
            bytes.withUnsafeBytes { $0[range].elementsEqualBytes(key) }
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    @inline(__always)
    fileprivate func elementsEqualBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let mine = UnsafeRawBufferPointer(rebasing: self).baseAddress, let its = other.baseAddress
        else {
            return true
        }
        return memcmp(mine, its, other.count) == 0
    }
}
