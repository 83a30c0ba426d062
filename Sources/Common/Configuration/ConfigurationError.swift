/// All that is wrong with a configuration, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One complaint: `FILE:LINE: key.path: what is wrong; what to do`.
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        package let position: YAMLPosition
        /// The dotted path of the key; empty when the document as a whole is meant.
        package let path: String
        package let message: String

        package init(position: YAMLPosition, path: String = "", message: String) {
            self.position = position
            self.path = path
            self.message = message
        }

        package var description: String {
            let place = position.description
            return path.isEmpty || place == "--set \(path)"
                ? "\(place): \(message)" : "\(place): \(path): \(message)"
        }
    }

    package let problems: [Problem]

    package init(_ problems: [Problem]) { self.problems = problems }

    package init(_ message: String, at position: YAMLPosition, path: String = "") {
        problems = [Problem(position: position, path: path, message: message)]
    }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
