import Testing

@testable import Common

@Suite("User agent cache")
struct UserAgentCacheTests {
    private static let rules = Result {
        try UserAgentRules(
            parsing: Array(
                #"""
                user_agent_parsers:
                  - regex: '(Chrome)/(\d+)\.(\d+)\.(\d+)(?:\.(\d+)|)'
                  - regex: '(Tiny) "(.*)"'
                os_parsers:
                  - regex: '(Mac OS X) (\d+)_(\d+)(?:_(\d+)|)'
                  - regex: '(Linux)'
                device_parsers:
                  - regex: '(Mac)'
                """#.utf8
            ),
            source: "rules"
        )
    }

    @Test(
        "writes the members of user_agent",
        arguments: [
            (
                "Mozilla (Mac OS X 10_12) Chrome/54.0.2840.59",
                #""name":"Chrome","version":"54.0.2840.59","device":{"name":"Mac"},"#
                    + #""os":{"name":"Mac OS X","version":"10.12","full":"Mac OS X 10.12"}"#
            ),
            ("Linux", #""name":"Other","device":{"name":"Other"},"os":{"name":"Linux"}"#),
            ("?", #""name":"Other","device":{"name":"Other"}"#),
            ("Tiny \"a\\b\u{1}\"", #""name":"Tiny","version":"a\\b\u0001","device":{"name":"Other"}"#),
        ]
    )
    func writesMembers(_ agent: String, members: String) throws {
        let cache = UserAgentCache(rules: try Self.rules.get(), entries: 10)
        let entry = cache.entry(for: agent)
        #expect(String(decoding: entry.members, as: UTF8.self) == members)
        for range in [
            entry.name, entry.version, entry.deviceName, entry.osName, entry.osVersion, entry.osFull,
        ] {
            guard let range else { continue }
            #expect(entry.members[range.lowerBound] == UInt8(ascii: "\""))
            #expect(entry.members[range.upperBound - 1] == UInt8(ascii: "\""))
        }
    }

    @Test("repairs bytes that are not UTF-8")
    func repairsBytes() throws {
        let cache = UserAgentCache(rules: try Self.rules.get(), entries: 10)
        let agent: [UInt8] = Array("Tiny \"".utf8) + [0xFF, 0xC3] + Array("\"".utf8)
        let entry = cache.entry(for: agent.span.bytes, 0..<agent.count)
        let version = try #require(entry.version)
        #expect(String(decoding: entry.members[version], as: UTF8.self) == "\"\u{FFFD}\u{FFFD}\"")
    }

    @Test("answers a second time from memory")
    func remembers() throws {
        let cache = UserAgentCache(rules: try Self.rules.get(), entries: 10)
        let first = cache.entry(for: "Chrome/1.2.3")
        #expect(cache.entry(for: "Chrome/1.2.3") === first)
        #expect(cache.entry(for: "Chrome/1.2.4") !== first)
        #expect(cache.hits == 1)
        #expect(cache.misses == 2)
    }

    @Test(
        "stays within its entries and its bytes, and keeps what is in use",
        arguments: [(100, 8 << 20), (10_000, 50_000)]
    )
    func isBounded(_ entries: Int, bytes: Int) throws {
        let cache = UserAgentCache(rules: try Self.rules.get(), entries: entries, bytes: bytes)
        let constant = cache.entry(for: "always here")
        for number in 0..<5_000 {
            _ = cache.entry(for: "flood \(number)")
            #expect(cache.entry(for: "always here") === constant)
            #expect(cache.count <= entries && cache.cost <= bytes)
        }
    }

    @Test("does not keep agents above the limit")
    func forgetsLongAgents() throws {
        let cache = UserAgentCache(rules: try Self.rules.get(), entries: 10)
        let agent = String(repeating: "Linux", count: 3_000)
        #expect(cache.entry(for: agent).osName == nil)
        #expect(cache.count == 0)
    }

    @Test("tells entries of one hash apart")
    func survivesCollisions() {
        final class Entry {
            let name: Int
            init(_ name: Int) { self.name = name }
        }
        var table = GenerationTable<Entry>(entries: 20, cost: .max)
        for name in 0..<8 { table.insert(Entry(name), hash: 7, cost: 1) }
        for name in 0..<8 {
            #expect(table.find(7, cost: { _ in 1 }, { $0.name == name })?.name == name)
        }
        #expect(table.find(7, cost: { _ in 1 }, { $0.name == 8 }) == nil)
        table.removeAll()
        #expect(table.find(7, cost: { _ in 1 }, { _ in true }) == nil)
    }
}

extension UserAgentCache {
    fileprivate func entry(for agent: String) -> UserAgentEntry {
        let bytes = Array(agent.utf8)
        return entry(for: bytes.span.bytes, 0..<bytes.count)
    }
}
