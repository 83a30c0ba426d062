import Foundation
import Testing

@testable import Common

/// The rules of Debian's package `uap-core`, which `make setup` installs.
enum InstalledUserAgentRules {
    static let path = "/usr/share/uap-core/regexes.yaml"
    static var exist: Bool { FileManager.default.isReadableFile(atPath: path) }
    static let rules = Result { try UserAgentRules(path: path) }
}

@Suite("User agent rules")
struct UserAgentRulesTests {
    private struct Case: Decodable {
        let s: String
        let ua: [String?]
        let os: [String?]
        let dev: [String?]
    }

    @Test(
        "answers uap-core's own cases",
        .enabled(if: InstalledUserAgentRules.exist, "needs the package uap-core")
    )
    func answersTheProjectsCases() throws {
        let rules = try InstalledUserAgentRules.rules.get()
        #expect(rules.ruleCount > 1_000)
        #expect(rules.skippedRuleCount == 0)
        var matcher = UserAgentMatcher(rules)
        let decoder = JSONDecoder()
        var wrong: [String] = []
        let lines = try String(decoding: Fixture.bytes("useragent/cases.jsonl"), as: UTF8.self).split(
            separator: "\n"
        )
        for line in lines {
            let expected = try decoder.decode(Case.self, from: Data(line.utf8))
            let agent = matcher.userAgent(expected.s)
            if agent.browser.list(3) != expected.ua || agent.system.list(4) != expected.os
                || agent.device.list != expected.dev
            {
                wrong.append(expected.s)
            }
        }
        #expect(lines.count == 5_281)
        #expect(wrong == [])
        #expect(matcher.limitHits == 0)
    }

    @Test("keeps the order, and the first rule that matches wins")
    func keepsOrder() throws {
        let rules = try rules(
            """
            user_agent_parsers:
              - regex: '(Foo)bar/(\\d+)'
              - regex: 'bar'
                family_replacement: 'Second'
              - regex: '(.)'
                family_replacement: 'Any'
            """
        )
        var matcher = UserAgentMatcher(rules)
        #expect(matcher.userAgent("x Foobar/7").browser.list(3) == ["Foo", "7", nil, nil])
        #expect(matcher.userAgent("foobar").browser.list(3) == ["Second", nil, nil, nil])
        #expect(matcher.userAgent("zzz").browser.list(3) == ["Any", nil, nil, nil])
        #expect(matcher.userAgent("").browser.list(3) == ["Other", nil, nil, nil])
    }

    @Test("fills replacements, trims them, and knows nothing where nothing is left")
    func fillsReplacements() throws {
        let rules = try rules(
            """
            os_parsers:
              - regex: 'OS-(\\w*)-(\\w*)'
                os_replacement: ' $1 '
                os_v1_replacement: '$2'
                os_v2_replacement: '$3'
                os_v3_replacement: '5$'
            device_parsers:
              - regex: 'dev-(\\w+)-(\\w+)'
                regex_flag: 'i'
                device_replacement: '$1 $2'
                brand_replacement: '$9'
                model_replacement: 'M$2$1'
              - regex: 'plain (\\w+)'
            """
        )
        var matcher = UserAgentMatcher(rules)
        #expect(matcher.userAgent("OS-a-b").system.list(4) == ["a", "b", nil, "5$", nil])
        #expect(matcher.userAgent("OS--").system.list(4) == [nil, nil, nil, "5$", nil])
        #expect(matcher.userAgent("os-a-b").system.list(4) == ["Other", nil, nil, nil, nil])
        #expect(matcher.userAgent("DEV-x-Y").device.list == ["x Y", nil, "MYx"])
        #expect(matcher.userAgent("plain one").device.list == ["one", nil, "one"])
        #expect(matcher.userAgent("Plain one").device.list == ["Other", nil, nil])
    }

    @Test("leaves a rule out that does not compile, and keeps the others")
    func skipsBrokenRules() throws {
        let rules = try rules(
            """
            user_agent_parsers:
              - regex: '(unclosed'
              - regex: '(*UTF)x'
              - regex: '(good)'
            """
        )
        #expect(rules.skippedRuleCount == 2)
        var matcher = UserAgentMatcher(rules)
        #expect(matcher.userAgent("good").browser.family == Array("good".utf8))
    }

    @Test(
        "refuses what is not a file of rules, and says where",
        arguments: [
            ("", "r.yaml"), ("user_agent_parsers: 5", "r.yaml:1"), ("other: []", "r.yaml:1"),
            ("os_parsers:\n  - regex: 'a'\n  - text", "r.yaml:3"),
            ("os_parsers:\n  - os_replacement: 'a'", "r.yaml:2"),
            ("os_parsers:\n  - regex: 'a'\n    os_replacement: [1]", "r.yaml:3"),
            ("os_parsers:\n  - regex: 'a\n", "r.yaml:"),
        ]
    )
    func refuses(_ text: String, position: String) throws {
        let error = #expect(throws: ConfigurationError.self) { _ = try rules(text) }
        #expect(try #require(error).description.hasPrefix(position))
    }

    @Test("says that a file is missing")
    func refusesMissingFile() {
        #expect(throws: ConfigurationError.self) { _ = try UserAgentRules(path: "/nonexistent/regexes.yaml") }
    }

    @Test(
        "ends in time for hostile agents",
        .enabled(if: InstalledUserAgentRules.exist, "needs the package uap-core")
    )
    func endsForHostileAgents() throws {
        var matcher = UserAgentMatcher(try InstalledUserAgentRules.rules.get())
        var agents: [[UInt8]] = []
        for seed in [
            "Mozilla/5.0 (Linux; Android 4.0; ", "bot", "a-", "Android ; ", "x/1.", "[FBAN/", " Build/", "; ",
            "\\",
            "(iPhone; CPU iPhone OS ", "Googlebot-", "\u{0}", "é", "AppleWebKit ",
        ] {
            let unit = Array(seed.utf8)
            var agent: [UInt8] = []
            while agent.count + unit.count <= UserAgentMatcher.maxAgentBytes { agent += unit }
            agents.append(agent)
        }
        agents.append((0..<UserAgentMatcher.maxAgentBytes).map { UInt8(truncatingIfNeeded: $0 &* 167) })
        for agent in agents {
            let start = ContinuousClock.now
            _ = matcher.userAgent(agent.span.bytes, 0..<agent.count)
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }

    @Test("gives up on an expression that backtracks without end", .timeLimit(.minutes(1)))
    func givesUp() throws {
        let rules = try rules(
            """
            user_agent_parsers:
              - regex: '^(a+)+$'
              - regex: '(b)'
            """
        )
        var matcher = UserAgentMatcher(rules)
        let agent = String(repeating: "a", count: 5_000) + "b"
        #expect(matcher.userAgent(agent).browser.list(3) == ["b", nil, nil, nil])
        #expect(matcher.limitHits == 1)
    }

    @Test("does not look at agents above the limit")
    func refusesLongAgents() throws {
        var matcher = UserAgentMatcher(try rules("user_agent_parsers:\n  - regex: '(a)'"))
        let longest = String(repeating: "a", count: UserAgentMatcher.maxAgentBytes)
        #expect(matcher.userAgent(longest).browser.family == [97])
        #expect(matcher.userAgent(longest + "a") == .unknown)
    }

    private func rules(_ text: String) throws(ConfigurationError) -> UserAgentRules {
        try UserAgentRules(parsing: Array(text.utf8), source: "r.yaml")
    }
}

extension UserAgentMatcher {
    mutating func userAgent(_ text: String) -> UserAgent {
        let bytes = Array(text.utf8)
        return userAgent(bytes.span.bytes, 0..<bytes.count)
    }
}

extension UserAgent.Product {
    /// Family and the first `parts` parts of the version, as the cases have them.
    fileprivate func list(_ parts: Int) -> [String?] {
        let all = [family] + version + Array(repeating: nil, count: max(parts - version.count, 0))
        return all.prefix(parts + 1).map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}

extension UserAgent.Device {
    fileprivate var list: [String?] {
        [family, brand, model].map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}
