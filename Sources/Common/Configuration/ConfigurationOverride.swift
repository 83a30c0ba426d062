/// One `--set key.path=value` of the command line.
///
/// The value is YAML in flow style (`[a, b]`, `{enabled: true}`, `12`, `"text"`) and replaces what the file says.
/// A number in the path indexes a list: `inputs.0.port=0`; the number after the last element appends.
struct ConfigurationOverride {
    private let parts: [String]
    private let value: YAMLNode
    private let position: YAMLPosition

    init(_ text: String) throws(ConfigurationError) {
        guard let equals = text.firstIndex(of: "=") else {
            throw ConfigurationError(
                "no = in it; write --set key.path=value",
                at: YAMLPosition(source: "--set \(text)")
            )
        }
        let path = String(text[..<equals])
        // The value stays out of messages: it may be a password.
        position = YAMLPosition(source: "--set \(path)")
        parts = KeyPath.split(path)
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw ConfigurationError("a part of the key is empty; write --set key.path=value", at: position)
        }
        value = try Self.parse(text[text.index(after: equals)...], at: position)
    }

    /// Puts the value into `root`.
    func apply(to root: inout YAMLNode) throws(ConfigurationError) {
        try set(&root, parts[...])
    }

    private static func parse(
        _ text: Substring,
        at position: YAMLPosition
    ) throws(ConfigurationError) -> YAMLNode {
        if text.isEmpty { return YAMLNode(.scalar(YAMLScalar("", isQuoted: true)), at: position) }
        do {
            let node = try YAMLDocument(parsing: Array(text.utf8), source: position.source).root
            return relocated(node, to: position)
        } catch {
            let reason = error.problems.first?.message ?? ""
            throw ConfigurationError("\(reason); put the value into quotes if it is text", at: position)
        }
    }

    /// The same value, with every position replaced: lines mean nothing on a command line.
    private static func relocated(_ node: YAMLNode, to position: YAMLPosition) -> YAMLNode {
        switch node.content {
        case .scalar: YAMLNode(node.content, at: position)
        case .sequence(let elements):
            YAMLNode(.sequence(elements.map { relocated($0, to: position) }), at: position)
        case .mapping(let entries):
            YAMLNode(
                .mapping(
                    entries.map {
                        YAMLNode.Entry(
                            key: $0.key,
                            isQuoted: $0.isQuoted,
                            position: position,
                            value: relocated($0.value, to: position)
                        )
                    }
                ),
                at: position
            )
        }
    }

    private func set(_ node: inout YAMLNode, _ rest: ArraySlice<String>) throws(ConfigurationError) {
        guard let part = rest.first else {
            node = value
            return
        }
        if node.isNull {
            node = YAMLNode(Int(part) == nil ? .mapping([]) : .sequence([]), at: position)
        }
        let empty = YAMLNode(.scalar(YAMLScalar("", isQuoted: false)), at: position)
        switch node.content {
        case .scalar:
            throw ConfigurationError(
                "\"\(part)\" lies inside a value that is neither section nor list",
                at: position
            )
        case .sequence(var elements):
            guard let index = Int(part), index >= 0, index <= elements.count else {
                throw ConfigurationError(
                    "\"\(part)\" is not an element of a list of \(elements.count); the first is 0",
                    at: position
                )
            }
            if index == elements.count { elements.append(empty) }
            try set(&elements[index], rest.dropFirst())
            node.content = .sequence(elements)
        case .mapping(var entries):
            let index = entries.firstIndex { $0.key == part } ?? entries.count
            if index == entries.count {
                entries.append(YAMLNode.Entry(key: part, isQuoted: true, position: position, value: empty))
            }
            try set(&entries[index].value, rest.dropFirst())
            let changed = entries[index]
            if rest.count == 1 {
                entries[index] = YAMLNode.Entry(
                    key: changed.key,
                    isQuoted: true,
                    position: position,
                    value: changed.value
                )
            }
            node.content = .mapping(entries)
        }
    }
}
