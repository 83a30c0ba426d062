/// Dotted paths of configuration keys.
///
/// `output.elasticsearch.hosts: […]` is the same as three nested sections; the two forms may be mixed in a file.
/// A key in quotes keeps its dots.
enum KeyPath {
    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// `node` with dotted keys turned into nesting; what two spellings set twice becomes a problem.
    static func expanded(
        _ node: YAMLNode,
        path: String = "",
        problems: inout [ConfigurationError.Problem]
    ) -> YAMLNode {
        var node = node
        switch node.content {
        case .scalar: break
        case .sequence(let elements):
            node.content = .sequence(
                elements.enumerated().map { index, element in
                    expanded(element, path: join(path, String(index)), problems: &problems)
                }
            )
        case .mapping(let entries):
            var merged: [YAMLNode.Entry] = []
            for entry in entries {
                let parts = entry.isQuoted ? [entry.key] : split(entry.key)
                guard parts.allSatisfy({ !$0.isEmpty }) else {
                    problems.append(
                        .init(
                            position: entry.position,
                            path: join(path, entry.key),
                            message: "a part of the dotted key is empty; remove the extra dot"
                        )
                    )
                    continue
                }
                var value = expanded(entry.value, path: join(path, entry.key), problems: &problems)
                for part in parts.dropFirst().reversed() {
                    let inner = YAMLNode.Entry(
                        key: part,
                        isQuoted: true,
                        position: entry.position,
                        value: value
                    )
                    value = YAMLNode(.mapping([inner]), at: entry.position)
                }
                let outer = YAMLNode.Entry(
                    key: parts[0],
                    isQuoted: true,
                    position: entry.position,
                    value: value
                )
                merge(outer, into: &merged, path: path, problems: &problems)
            }
            node.content = .mapping(merged)
        }
        return node
    }

    static func split(_ path: String) -> [String] {
        path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    private static func merge(
        _ entry: YAMLNode.Entry,
        into entries: inout [YAMLNode.Entry],
        path: String,
        problems: inout [ConfigurationError.Problem]
    ) {
        guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
            entries.append(entry)
            return
        }
        let path = join(path, entry.key)
        if entry.value.isNull { return }
        if entries[index].value.isNull {
            entries[index].value = entry.value
            return
        }
        guard case .mapping(var inside) = entries[index].value.content,
            case .mapping(let more) = entry.value.content
        else {
            problems.append(
                .init(
                    position: entry.position,
                    path: path,
                    message: "set twice, first in line \(entries[index].position.line); keep one of them"
                )
            )
            return
        }
        for inner in more { merge(inner, into: &inside, path: path, problems: &problems) }
        entries[index].value.content = .mapping(inside)
    }
}
