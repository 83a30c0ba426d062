import Common

/// Names of fields and texts with references in a filter's section.
extension ConfigurationReader {
    /// The field that `key` names.
    ///
    /// - Parameter fallback: a valid name.
    func path(_ key: String, default fallback: String) -> FieldPath {
        path(key) ?? Self.known(fallback)
    }

    /// The field that `key` names; nil when it is absent, or refused with a complaint.
    func path(_ key: String) -> FieldPath? {
        guard let text = string(key) else { return nil }
        return path(text, of: key)
    }

    /// The field that `key` must name.
    func requiredPath(_ key: String) -> FieldPath {
        guard has(key) else {
            problem(key, "is missing; name a field, such as message")
            return Self.known("message")
        }
        return path(key, default: "message")
    }

    /// The fields that the list under `key` names.
    func paths(_ key: String) -> [FieldPath] { strings(key).compactMap { path($0, of: key) } }

    /// The text with references under `key`; nil when it is absent, or refused with a complaint.
    func text(_ key: String) -> FieldText? {
        guard let text = string(key) else { return nil }
        return fieldText(text, of: key)
    }

    /// The texts with references of the list under `key`.
    func texts(_ key: String) -> [FieldText] { strings(key).compactMap { fieldText($0, of: key) } }

    /// The fields below `key` with a text for each.
    func fieldTexts(_ key: String) -> [(path: FieldPath, value: FieldText)] {
        leaves(key).compactMap { leaf in
            guard let path = path(leaf.name, of: key) else { return nil }
            guard case .scalar(let text, _) = leaf.value else {
                problem(key, "\(leaf.name): expected text")
                return nil
            }
            return fieldText(text, of: key).map { (path, $0) }
        }
    }

    func path(_ text: String, of key: String) -> FieldPath? {
        if let path = FieldPath(text) { return path }
        problem(key, "\"\(text)\" names no field; write http.request.method or [http][request][method]")
        return nil
    }

    private func fieldText(_ text: String, of key: String) -> FieldText? {
        do throws(FieldTextError) {
            return try FieldText(text)
        } catch {
            problem(key, "\(error)")
            return nil
        }
    }

    private static func known(_ name: String) -> FieldPath {
        guard let path = FieldPath(name) else { fatalError("\(name) names no field") }
        return path
    }
}
