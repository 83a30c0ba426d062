import CLinux
import Glibc

/// The bytes of a configuration file, and the environment of the process.
package enum ConfigurationFile {
    /// The content of a file of at most `YAMLDocument.maxBytes`.
    static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
        do {
            return try AtomicFile.read(path, limit: YAMLDocument.maxBytes)
        } catch {
            throw ConfigurationError(
                "the configuration cannot be read: \(error.cause)",
                at: YAMLPosition(source: path)
            )
        }
    }

    /// Whether the file is there and this process may read it.
    package static func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }

    /// The environment variables of this process.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        guard var next = process_environment() else { return [:] }
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }
}
