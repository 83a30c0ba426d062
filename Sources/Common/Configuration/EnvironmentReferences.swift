/// `${NAME}` and `${NAME:default}` in the scalars of a configuration.
///
/// Only scalars change, and only into text: a value of the environment cannot become a key, a list or a section.
/// An unquoted scalar is typed after the replacement, so `port: ${PORT:5044}` is a number. `$${` is a literal `${`.
/// A variable that is set to nothing counts as missing where there is a default, as in Beats.
///
/// Secrets need not stand in the environment: see `Variables`.
struct EnvironmentReferences {
    private let variables: Variables

    init(environment: [String: String]) { variables = Variables(environment) }

    /// `node` with every reference replaced; one that cannot be becomes a problem and leaves nothing.
    func replaced(in node: YAMLNode, path: String, problems: inout [ConfigurationError.Problem]) -> YAMLNode {
        var node = node
        switch node.content {
        case .scalar(let scalar):
            do {
                let text = try replaced(in: scalar.text)
                node.content = .scalar(YAMLScalar(text, isQuoted: scalar.isQuoted))
            } catch {
                problems.append(.init(position: node.position, path: path, message: error.message))
                node.content = .scalar(YAMLScalar("", isQuoted: false))
            }
        case .sequence(let elements):
            node.content = .sequence(
                elements.enumerated().map { index, element in
                    replaced(in: element, path: KeyPath.join(path, String(index)), problems: &problems)
                }
            )
        case .mapping(let entries):
            node.content = .mapping(
                entries.map { entry in
                    var entry = entry
                    let path = KeyPath.join(path, entry.key)
                    entry.value = replaced(in: entry.value, path: path, problems: &problems)
                    return entry
                }
            )
        }
        return node
    }

    /// Why a reference cannot be replaced.
    struct Failure: Error, Equatable {
        let message: String
    }

    /// `text` with every reference replaced.
    func replaced(in text: String) throws(Failure) -> String {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let close = rest.firstIndex(of: "}") else {
                    throw Failure(message: "${ is never closed; add } or write $${ for a literal ${")
                }
                result += try value(of: rest[rest.index(dollar, offsetBy: 2)..<close])
                rest = rest[rest.index(after: close)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private func value(of reference: Substring) throws(Failure) -> String {
        let colon = reference.firstIndex(of: ":")
        let name = String(reference[..<(colon ?? reference.endIndex)])
        let fallback = colon.map { String(reference[reference.index(after: $0)...]) }
        guard isName(name) else {
            throw Failure(
                message: "\"\(name)\" is not the name of an environment variable; "
                    + "write ${NAME} or ${NAME:default}, or $${ for a literal ${"
            )
        }
        if fallback?.contains("${") == true {
            throw Failure(message: "the default of ${\(name):…} holds another ${; references do not nest")
        }
        let value: String?
        do throws(Variables.Unreadable) {
            value = try variables.value(of: name)
        } catch {
            throw Failure(message: error.message)
        }
        if let value, !value.isEmpty || fallback == nil { return value }
        if let fallback, !fallback.hasPrefix("?") { return fallback }
        let reason = fallback.map { $0.dropFirst() } ?? ""
        throw Failure(
            message: "environment variable \(name) is not set\(reason.isEmpty ? "" : ": \(reason)"); "
                + "set it, or give a default with ${\(name):default}"
        )
    }

    private func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 48...57: true
            case UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
    }
}
