import Glibc

/// Reads one section of a configuration and collects every complaint instead of stopping at the first.
///
/// Services take their values from the root reader into plain structs and then call `finish`, which throws
/// all complaints at once; keys that nobody asked for are complaints too. A value that is wrong is reported and
/// replaced by its default, so that reading goes on. `key:` with nothing behind it counts as absent.
///
/// Belongs to the thread that loads the configuration.
package final class ConfigurationReader {
    /// What the readers of one configuration share.
    private final class Complaints {
        var problems: [ConfigurationError.Problem] = []
        /// For files that are read later.
        let environment: [String: String]
        private var paths: Set<String> = []

        init(environment: [String: String]) { self.environment = environment }

        /// Keeps the first complaint of each key: later ones follow from it.
        func add(_ problem: ConfigurationError.Problem) {
            guard paths.insert(problem.path).inserted || problem.path.isEmpty else { return }
            problems.append(problem)
        }
    }

    /// Dotted path of this section; empty for the root.
    package let path: String
    /// Where the section starts; for an absent one, where the section around it starts.
    package let position: YAMLPosition
    /// Whether the section is written at all.
    package let isPresent: Bool

    private let complaints: Complaints
    private let values: [String: YAMLNode]
    private let keys: [(key: String, position: YAMLPosition)]
    private var asked: [String] = []
    /// What to do instead with keys that others know.
    private var advice: [String: String] = [:]
    private var children: [String: [ConfigurationReader]] = [:]

    private init(_ node: YAMLNode?, path: String, position: YAMLPosition, complaints: Complaints) {
        self.path = path
        self.complaints = complaints
        self.position = node?.position ?? position
        isPresent = node != nil
        var values: [String: YAMLNode] = [:]
        var keys: [(key: String, position: YAMLPosition)] = []
        if let node, case .mapping(let entries) = node.content {
            for entry in entries {
                values[entry.key] = entry.value
                keys.append((entry.key, entry.position))
            }
        }
        self.values = values
        self.keys = keys
    }

    /// Reads a file, applies overrides of the form `key.path=value`, and replaces `${NAME}` from `environment`.
    ///
    /// - Parameter file: nil for no file: everything has its default or comes from `overrides`.
    /// - Throws: when there is no YAML to read from; other complaints wait for `finish`.
    package static func load(
        file: String?,
        overrides: [String] = [],
        environment: [String: String] = [:]
    ) throws(ConfigurationError) -> ConfigurationReader {
        let source = file ?? "configuration"
        let bytes = try file.map { path throws(ConfigurationError) in try ConfigurationFile.read(path) } ?? []
        return try parse(bytes, source: source, overrides: overrides, environment: environment)
    }

    /// As `load`, from text in memory.
    ///
    /// - Parameter source: the name for complaints.
    package static func parse(
        _ bytes: [UInt8],
        source: String,
        overrides: [String] = [],
        environment: [String: String] = [:]
    ) throws(ConfigurationError) -> ConfigurationReader {
        var root = try YAMLDocument(parsing: bytes, source: source).root
        if root.isNull { root.content = .mapping([]) }
        let complaints = Complaints(environment: environment)
        var problems: [ConfigurationError.Problem] = []
        root = KeyPath.expanded(root, problems: &problems)
        for text in overrides {
            do throws(ConfigurationError) {
                try ConfigurationOverride(text).apply(to: &root)
            } catch {
                problems += error.problems
            }
        }
        root = EnvironmentReferences(environment: environment).replaced(
            in: root,
            path: "",
            problems: &problems
        )
        guard case .mapping = root.content else {
            throw ConfigurationError("expected key: value lines, found \(root.kind)", at: root.position)
        }
        for problem in problems { complaints.add(problem) }
        let position = bytes.isEmpty ? YAMLPosition(source: source) : root.position
        return ConfigurationReader(
            YAMLNode(root.content, at: position),
            path: "",
            position: position,
            complaints: complaints
        )
    }

    // MARK: - Text

    /// The text of a scalar; nil when the key is absent.
    package func string(_ key: String) -> String? { scalar(key, wanted: "text")?.text }

    package func string(_ key: String, default fallback: String) -> String { string(key) ?? fallback }

    /// The text of a key that must be there and not be empty; "" together with a complaint otherwise.
    package func required(_ key: String) -> String {
        let text = string(key)
        if let text, !text.isEmpty { return text }
        problem(key, text == nil ? "missing; set it" : "empty; give it a value")
        return ""
    }

    /// A list of texts; one scalar counts as a list of one.
    package func strings(_ key: String, default fallback: [String] = []) -> [String] {
        guard let node = value(key) else { return fallback }
        switch node.content {
        case .scalar(let scalar): return [scalar.text]
        case .mapping:
            problem(key, "expected a list, found a section; write [a, b]")
            return fallback
        case .sequence(let elements):
            var texts: [String] = []
            for (index, element) in elements.enumerated() {
                if case .scalar(let scalar) = element.content, !element.isNull {
                    texts.append(scalar.text)
                } else {
                    complain(element.position, "\(key).\(index)", "expected text, found \(element.kind)")
                }
            }
            return texts
        }
    }

    /// One of the cases of an enum, by raw value.
    package func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String,
        default fallback: Choice
    ) -> Choice {
        guard let scalar = scalar(key, wanted: "text") else { return fallback }
        if let choice = Choice(rawValue: scalar.text) { return choice }
        let choices = Choice.allCases.map(\.rawValue)
        let hint = Nearest.hint(for: scalar.text, among: choices)
        problem(
            key,
            "\"\(scalar.excerpt)\" is not a choice; use one of: \(choices.joined(separator: ", "))\(hint)"
        )
        return fallback
    }

    // MARK: - Numbers

    package func int(
        _ key: String,
        default fallback: Int,
        in range: ClosedRange<Int> = Int.min...Int.max
    ) -> Int {
        guard let scalar = scalar(key, wanted: "a whole number") else { return fallback }
        guard let digits = YAMLScalar.integer(scalar.text) else {
            problem(key, "expected a whole number, found \"\(scalar.excerpt)\"")
            return fallback
        }
        guard let number = Int(digits), range.contains(number) else {
            problem(key, "\(scalar.excerpt) is out of range; use \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
        return number
    }

    /// `true` or `false`; also `yes`, `no`, `on`, `off`, which users of Beats write.
    package func bool(_ key: String, default fallback: Bool) -> Bool {
        guard let scalar = scalar(key, wanted: "true or false") else { return fallback }
        switch scalar.text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default:
            problem(key, "expected true or false, found \"\(scalar.excerpt)\"")
            return fallback
        }
    }

    /// See `Quantity.duration` for the form.
    package func duration(
        _ key: String,
        default fallback: Duration,
        in range: ClosedRange<Duration>? = nil
    ) -> Duration {
        guard let scalar = scalar(key, wanted: Quantity.durationForm) else { return fallback }
        guard let duration = Quantity.duration(scalar.text) else {
            problem(key, "expected \(Quantity.durationForm), found \"\(scalar.excerpt)\"")
            return fallback
        }
        if let range, !range.contains(duration) {
            let bounds = "\(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
            problem(key, "\(scalar.excerpt) is out of range; use \(bounds)")
            return fallback
        }
        return duration
    }

    /// Bytes; see `Quantity.size` for the form.
    package func size(
        _ key: String,
        default fallback: Int,
        in range: ClosedRange<Int> = 0...Int.max
    ) -> Int {
        guard let scalar = scalar(key, wanted: Quantity.sizeForm) else { return fallback }
        guard let size = Quantity.size(scalar.text) else {
            problem(key, "expected \(Quantity.sizeForm), found \"\(scalar.excerpt)\"")
            return fallback
        }
        guard range.contains(size) else {
            let upper = range.upperBound == .max ? "more" : Quantity.text(bytes: range.upperBound)
            problem(
                key,
                "\(scalar.excerpt) is out of range; use \(Quantity.text(bytes: range.lowerBound)) to \(upper)"
            )
            return fallback
        }
        return size
    }

    // MARK: - Structure

    /// Whether the key is there with a value; counts as asking for it.
    package func has(_ key: String) -> Bool { value(key) != nil }

    /// The section under `key`; an empty one when it is absent.
    package func section(_ key: String) -> ConfigurationReader {
        if let known = children[key]?.first { return known }
        var node = value(key)
        if let found = node, case .mapping = found.content {
        } else if let found = node {
            problem(key, "expected a section of key: value lines, found \(found.kind)")
            node = nil
        }
        let child = reader(node, key)
        children[key] = [child]
        return child
    }

    /// The sections of the list under `key`.
    package func sections(_ key: String) -> [ConfigurationReader] {
        if let known = children[key] { return known }
        var readers: [ConfigurationReader] = []
        if let node = value(key) {
            if case .sequence(let elements) = node.content {
                for (index, element) in elements.enumerated() {
                    if case .mapping = element.content {
                        readers.append(reader(element, "\(key).\(index)"))
                    } else {
                        complain(
                            element.position,
                            "\(key).\(index)",
                            "expected a section, found \(element.kind)"
                        )
                    }
                }
            } else {
                problem(key, "expected a list of sections, found \(node.kind); start each with \"- \"")
            }
        }
        children[key] = readers
        return readers
    }

    /// What is written under each key of this section, as JSON: to tell what changed between two readings.
    ///
    /// Does not count as asking for a key.
    package var writtenValues: [String: [UInt8]] {
        values.mapValues { node in
            var json = ByteBuffer()
            node.append(to: &json)
            return json.array
        }
    }

    /// The keys that are written in this section, in the order of the file.
    ///
    /// For sections whose keys the user makes up; each still has to be asked for.
    package var names: [String] { keys.map(\.key) }

    /// The sections under `key` by the names that the user gave them, in the order of the file.
    package func namedSections(_ key: String) -> [(name: String, reader: ConfigurationReader)] {
        let section = section(key)
        return section.keys.map { name, position in
            let inner = section.section(name)
            return (name, inner)
        }
    }

    /// Any value as compact JSON, scalars typed by YAML's core schema; nil when the key is absent.
    package func json(_ key: String) -> [UInt8]? {
        guard let node = value(key) else { return nil }
        var json = ByteBuffer()
        node.append(to: &json)
        return json.array
    }

    // MARK: - Other files

    /// Reads another file as a part of this configuration: `read` takes what it wants from it, and what is wrong with
    /// it is complained about with this one's.
    ///
    /// - Parameter section: what the file's keys stand below, in complaints.
    /// - Returns: nil when there is no YAML to read from.
    package func include<Value>(
        _ file: String,
        as section: String,
        _ read: (ConfigurationReader) -> Value
    ) -> Value? {
        do throws(ConfigurationError) {
            let reader = try Self.load(file: file, environment: complaints.environment)
            let value = read(reader)
            try reader.finish()
            return value
        } catch {
            for problem in error.problems {
                let path = KeyPath.join(section, problem.path)
                complaints.add(.init(position: problem.position, path: path, message: problem.message))
            }
            return nil
        }
    }

    // MARK: - Complaints

    /// Complains about the value of `key`, or about its absence.
    ///
    /// - Parameter message: what is wrong; what to do.
    package func problem(_ key: String, _ message: String) {
        note(key)
        complain(keys.first { $0.key == key }?.position ?? position, key, message)
    }

    /// Where a character of a text stands, in words: its column in the file, with the line if it is not the key's, where
    /// the text stands there as it is; else its number in the text.
    ///
    /// - Parameter character: counts from 1.
    package func place(in key: String, character: Int) -> String {
        guard let node = value(key), case .scalar(let scalar) = node.content, let start = node.textColumn
        else {
            return "character \(character)"
        }
        let before = scalar.text.prefix(character - 1).unicodeScalars.count
        let column = "column \(start + before)"
        let line = keys.first { $0.key == key }?.position.line
        return node.position.line == line ? column : "line \(node.position.line), \(column)"
    }

    /// Throws everything that was found wrong, unknown keys included; for the root, after reading.
    package func finish() throws(ConfigurationError) {
        complainAboutUnknownKeys()
        guard !complaints.problems.isEmpty else { return }
        let source = position.source
        func rank(_ problem: ConfigurationError.Problem) -> Int {
            problem.position.source == source ? problem.position.line : .max
        }
        let order = complaints.problems.enumerated().sorted {
            (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
        }
        throw ConfigurationError(order.map(\.element))
    }

    /// Says what people who know a key from another program write here; for a key that nobody asks for.
    package func advise(_ key: String, _ text: String) { advice[key] = text }

    private func complainAboutUnknownKeys() {
        for (key, position) in keys where !asked.contains(key) {
            if let text = advice[key] {
                complain(position, key, "unknown key; \(text)")
                continue
            }
            let hint = Nearest.hint(for: key, among: asked)
            let advice =
                hint.isEmpty && !asked.isEmpty
                ? "remove it or use one of: \(asked.joined(separator: ", "))" : "remove or correct it\(hint)"
            complain(position, key, "unknown key; \(advice)")
        }
        for key in asked { children[key]?.forEach { $0.complainAboutUnknownKeys() } }
    }

    private func complain(_ position: YAMLPosition, _ key: String, _ message: String) {
        complaints.add(.init(position: position, path: KeyPath.join(path, key), message: message))
    }

    // MARK: - Looking up

    private func note(_ key: String) {
        if !asked.contains(key) { asked.append(key) }
    }

    /// The value under a key, which counts as asked for; nil when it is absent or nothing.
    func node(_ key: String) -> YAMLNode? { value(key) }

    private func value(_ key: String) -> YAMLNode? {
        note(key)
        guard let node = values[key], !node.isNull else { return nil }
        return node
    }

    private func scalar(_ key: String, wanted: String) -> YAMLScalar? {
        guard let node = value(key) else { return nil }
        if case .scalar(let scalar) = node.content { return scalar }
        problem(key, "expected \(wanted), found \(node.kind)")
        return nil
    }

    private func reader(_ node: YAMLNode?, _ key: String) -> ConfigurationReader {
        ConfigurationReader(
            node,
            path: KeyPath.join(path, key),
            position: keys.first { $0.key == key }?.position ?? position,
            complaints: complaints
        )
    }
}
