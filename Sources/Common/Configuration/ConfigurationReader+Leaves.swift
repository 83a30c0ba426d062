/// Values below a key whose keys are names that the user makes up, such as those of fields.
extension ConfigurationReader {
    /// One value with the keys in front of it.
    package struct Leaf: Sendable {
        package enum Value: Equatable, Sendable {
            /// A scalar as it is written, and its JSON.
            case scalar(String, json: [UInt8])
            case list([Value])

            /// The value as JSON.
            package var json: [UInt8] {
                switch self {
                case .scalar(_, let json): json
                case .list(let elements):
                    Array("[".utf8) + elements.map(\.json).joined(separator: Array(",".utf8))
                        + Array("]".utf8)
                }
            }
        }

        /// The keys joined by dots: `http.request.method`, however the section is nested.
        package let name: String
        package let value: Value
    }

    /// All scalars and lists below `key`, in the order of the file; empty when the key is absent.
    package func leaves(_ key: String) -> [Leaf] {
        guard let node = node(key) else { return [] }
        guard case .mapping(let entries) = node.content else {
            problem(key, "expected a section of key: value lines, found \(node.kind)")
            return []
        }
        var leaves: [Leaf] = []
        collect(entries, prefix: "", into: &leaves)
        return leaves
    }

    /// All scalars and lists of this section; counts as asking for all of it.
    package var leaves: [Leaf] {
        names.flatMap { name -> [Leaf] in
            guard let node = node(name) else { return [] }
            if case .mapping = node.content {
                return leaves(name).map { Leaf(name: name + "." + $0.name, value: $0.value) }
            }
            return Self.value(node).map { [Leaf(name: name, value: $0)] } ?? []
        }
    }

    /// Whether a list is written under a key.
    package func isList(_ key: String) -> Bool {
        if case .sequence? = node(key)?.content { true } else { false }
    }

    /// Whether a section is written under a key.
    package func isSection(_ key: String) -> Bool {
        if case .mapping? = node(key)?.content { true } else { false }
    }

    private func collect(_ entries: [YAMLNode.Entry], prefix: String, into leaves: inout [Leaf]) {
        for entry in entries {
            let name = prefix.isEmpty ? entry.key : prefix + "." + entry.key
            if case .mapping(let inner) = entry.value.content {
                collect(inner, prefix: name, into: &leaves)
            } else if let value = Self.value(entry.value) {
                leaves.append(Leaf(name: name, value: value))
            }
        }
    }

    /// Nil for a section inside of a list, which no leaf is.
    private static func value(_ node: YAMLNode) -> Leaf.Value? {
        switch node.content {
        case .scalar(let scalar):
            var json = ByteBuffer()
            node.append(to: &json)
            return .scalar(scalar.text, json: json.array)
        case .sequence(let elements): return .list(elements.compactMap(value))
        case .mapping: return nil
        }
    }
}
