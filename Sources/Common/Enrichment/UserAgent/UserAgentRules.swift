/// All rules of a `regexes.yaml` of uap-core, with the means to find quickly which of them can match an agent.
///
/// Read-only after the start and shared by all workers; each matches with a `UserAgentMatcher` of its own.
/// Rules whose expression does not compile are left out with a warning.
final class UserAgentRules: Sendable {
    /// The three questions; each is answered by its first rule that matches.
    enum List: Int, CaseIterable {
        case browser, system, device

        fileprivate var section: String {
            switch self {
            case .browser: "user_agent_parsers"
            case .system: "os_parsers"
            case .device: "device_parsers"
            }
        }

        /// Keys of the replacements, in the order of the answer's fields.
        fileprivate var keys: [String] {
            switch self {
            case .browser:
                [
                    "family_replacement", "v1_replacement", "v2_replacement", "v3_replacement",
                    "v4_replacement",
                ]
            case .system:
                [
                    "os_replacement", "os_v1_replacement", "os_v2_replacement", "os_v3_replacement",
                    "os_v4_replacement",
                ]
            case .device: ["device_replacement", "brand_replacement", "model_replacement"]
            }
        }

        /// What a field is made of when the rule does not say.
        ///
        /// Source: uap-core, docs/specification.md.
        fileprivate func standard(_ field: Int) -> UserAgentTemplate {
            guard self == .device else { return .group(field + 1) }
            return field == 1 ? .nothing : .group(1)
        }
    }

    /// The lists one behind the other.
    let rules: [UserAgentRule]
    /// Where each list lies in `rules`; indexed by `List`.
    let ranges: [Range<Int>]
    let prefilter: UserAgentPrefilter
    let skippedRuleCount: Int
    let maxCaptures: Int

    var ruleCount: Int { rules.count }

    /// Ten times the size of 2026's rules.
    private static let maxFileBytes = 1 << 20

    /// Loads the file at `path`.
    ///
    /// - Throws: when it cannot be read, is not YAML, or is not a rules file; with file and line.
    convenience init(path: String) throws(ConfigurationError) {
        let bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path, limit: Self.maxFileBytes)
        } catch {
            throw ConfigurationError(
                "user agent rules cannot be read: \(error)",
                at: YAMLPosition(source: path)
            )
        }
        try self.init(parsing: bytes, source: path)
    }

    init(parsing bytes: [UInt8], source: String) throws(ConfigurationError) {
        var reader = UserAgentRulesReader()
        let sections = try UserAgentRulesReader.sections(
            YAMLDocument(parsing: bytes, source: source).root,
            known: List.allCases.map(\.section)
        )
        var ranges: [Range<Int>] = []
        for list in List.allCases {
            let start = reader.rules.count
            try reader.read(sections[list.section] ?? [], keys: list.keys, standard: list.standard)
            ranges.append(start..<reader.rules.count)
        }
        rules = reader.rules
        self.ranges = ranges
        skippedRuleCount = reader.skippedCount
        maxCaptures = reader.rules.map(\.expression.captureCount).max() ?? 0
        prefilter = UserAgentPrefilter(reader.literals)
    }
}

/// Turns the lists of a rules file into rules.
private struct UserAgentRulesReader {
    private(set) var rules: [UserAgentRule] = []
    /// What each of `rules` needs to find in an agent.
    private(set) var literals: [RequiredLiterals] = []
    private(set) var skippedCount = 0

    /// Warnings about single rules before only their number is told.
    private static let maxWarnings = 20

    static func sections(
        _ root: YAMLNode,
        known: [String]
    ) throws(ConfigurationError) -> [String: [YAMLNode]] {
        guard case .mapping(let entries) = root.content, !entries.isEmpty else {
            throw ConfigurationError("not a file of user agent rules", at: root.position)
        }
        var sections: [String: [YAMLNode]] = [:]
        // Other sections may come with later versions of the format.
        for entry in entries where known.contains(entry.key) {
            guard case .sequence(let nodes) = entry.value.content else {
                throw ConfigurationError("wants a list of rules", at: entry.value.position, path: entry.key)
            }
            sections[entry.key] = nodes
        }
        guard !sections.isEmpty else {
            throw ConfigurationError(
                "not a file of user agent rules: none of \(known.joined(separator: ", ")) is in it",
                at: root.position
            )
        }
        return sections
    }

    mutating func read(
        _ nodes: [YAMLNode],
        keys: [String],
        standard: (Int) -> UserAgentTemplate
    ) throws(ConfigurationError) {
        rules.reserveCapacity(rules.count + nodes.count)
        for node in nodes {
            guard case .mapping(let entries) = node.content else {
                throw ConfigurationError("a rule is a mapping with a regex", at: node.position)
            }
            var pattern: String?
            var ignoreCase = false
            var templates = keys.indices.map(standard)
            for entry in entries {
                guard case .scalar(let scalar) = entry.value.content else {
                    throw ConfigurationError("wants one text", at: entry.value.position, path: entry.key)
                }
                switch entry.key {
                case "regex": pattern = scalar.text
                case "regex_flag": ignoreCase = scalar.text == "i"
                default:
                    guard let field = keys.firstIndex(of: entry.key) else { continue }
                    templates[field] = UserAgentTemplate(scalar.text)
                }
            }
            guard let pattern else { throw ConfigurationError("a rule without regex", at: node.position) }
            add(pattern, ignoreCase: ignoreCase, templates, at: node.position)
        }
    }

    private mutating func add(
        _ pattern: String,
        ignoreCase: Bool,
        _ templates: [UserAgentTemplate],
        at position: YAMLPosition
    ) {
        do {
            let expression = try RegularExpression(pattern, ignoreCase: ignoreCase)
            rules.append(UserAgentRule(expression: expression, templates: templates))
            literals.append(RequiredLiterals(pattern))
        } catch {
            skippedCount += 1
            guard skippedCount <= Self.maxWarnings else { return }
            Log.warning(
                "user agent rule left out: its regex does not compile",
                ["rule": "\(position)", "regex": String(pattern.prefix(200)), "reason": "\(error)"]
            )
        }
    }
}
