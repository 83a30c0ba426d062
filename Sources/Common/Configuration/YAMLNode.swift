/// A place in a configuration: a line of a file, or an override of the command line.
package struct YAMLPosition: Equatable, Sendable {
    /// The file's name as given, or `--set KEY`.
    package let source: String
    /// Counts from 1; 0 where the source has no lines.
    package let line: Int
    /// Counts from 1, in characters; 0 where the source has no lines.
    package let column: Int

    package init(source: String, line: Int = 0, column: Int = 0) {
        self.source = source
        self.line = line
        self.column = column
    }
}

extension YAMLPosition: CustomStringConvertible {
    package var description: String { line > 0 ? "\(source):\(line)" : source }
}

/// One value of a YAML document with the place where it stands.
///
/// A tree of values: aliases are already replaced by what they stand for.
package struct YAMLNode: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    /// One key of a mapping with its value; a mapping keeps their order.
    package struct Entry: Equatable, Sendable {
        package let key: String
        /// Whether the key stood in quotes, which keeps its dots from being nesting.
        package let isQuoted: Bool
        package let position: YAMLPosition
        package var value: YAMLNode

        package init(key: String, isQuoted: Bool = false, position: YAMLPosition, value: YAMLNode) {
            self.key = key
            self.isQuoted = isQuoted
            self.position = position
            self.value = value
        }
    }

    package var content: Content {
        didSet {
            if case .scalar = content, content != oldValue { textColumn = nil }
        }
    }
    package let position: YAMLPosition
    /// The column where the text of a scalar begins that stands in the file character for character on one line; nil
    /// for block scalars, texts with escapes, and whatever did not come from a file as it is.
    package private(set) var textColumn: Int?

    package init(_ content: Content, at position: YAMLPosition, textColumn: Int? = nil) {
        self.content = content
        self.position = position
        self.textColumn = textColumn
    }

    /// Whether the value is written as nothing, `~` or `null`.
    package var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.value == .null
    }

    /// What the value is, for messages.
    package var kind: String {
        switch content {
        case .scalar(let scalar): scalar.value == .null ? "nothing" : "\"\(scalar.excerpt)\""
        case .sequence: "a list"
        case .mapping: "a section"
        }
    }
}
