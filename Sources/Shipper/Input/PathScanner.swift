import Common
import Glibc

/// Finds files by glob(7) patterns.
struct PathScanner: Sendable {
    /// Absolute patterns.
    let patterns: [String]
    /// A pattern with a slash is held against the whole path, any other against the name.
    let exclusions: [String]

    init(patterns: [String], exclusions: [String] = []) {
        self.patterns = patterns.map(Self.absolute)
        self.exclusions = exclusions
    }

    /// A path found, or a name that cannot be a `String`.
    enum Finding: Equatable {
        case path(String)
        case notUTF8(String)
    }

    /// All names that the patterns match now, sorted, each once.
    func scan() -> [Finding] {
        var seen: Set<String> = []
        var findings: [Finding] = []
        for pattern in patterns {
            for finding in Self.glob(pattern) {
                switch finding {
                case .path(let path): if isExcluded(path) || !seen.insert(path).inserted { continue }
                case .notUTF8: break
                }
                findings.append(finding)
            }
        }
        return findings
    }

    /// Whether a path would be found by `scan`.
    func matches(_ path: String) -> Bool {
        patterns.contains { fnmatch($0, path, Int32(FNM_PATHNAME | FNM_PERIOD)) == 0 } && !isExcluded(path)
    }

    /// Directories where a new name can make a pattern match: the deepest that exist, and each that a wildcard
    /// is looked up in.
    func directories() -> Set<String> {
        var result: Set<String> = []
        for pattern in patterns {
            var names = pattern.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
            guard !names.isEmpty else { continue }
            names.removeLast()
            let literal = names.prefix { !Self.hasWildcard($0) }.count
            for count in literal...names.count {
                let prefix = "/" + names.prefix(count).joined(separator: "/")
                let found = Self.glob(prefix).compactMap { finding -> String? in
                    guard case .path(let path) = finding, Self.isDirectory(path) else { return nil }
                    return path
                }
                result.formUnion(found)
                if count == literal, found.isEmpty { result.insert(Self.nearestDirectory(prefix)) }
            }
        }
        return result
    }

    private func isExcluded(_ path: String) -> Bool {
        exclusions.contains { pattern in
            let subject = pattern.utf8.contains(UInt8(ascii: "/")) ? path : Path.name(of: path)
            return fnmatch(pattern, subject, Int32(FNM_PATHNAME)) == 0
        }
    }

    private static func glob(_ pattern: String) -> [Finding] {
        var result = glob_t()
        defer { globfree(&result) }
        // Unreadable directories are passed over; the file that was expected in one is then missing, and
        // `shipper check` lists what is found.
        guard Glibc.glob(pattern, 0, nil, &result) == 0, let names = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { index in
            guard let name = names[index] else { return nil }
            if let text = String(validatingCString: name) { return .path(text) }
            return .notUTF8(String(cString: name))
        }
    }

    private static func absolute(_ pattern: String) -> String {
        if pattern.utf8.first == UInt8(ascii: "/") { return pattern }
        guard let current = getcwd(nil, 0) else { return pattern }
        defer { free(current) }
        return String(cString: current) + "/" + pattern
    }

    private static func hasWildcard(_ name: String) -> Bool {
        name.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    private static func isDirectory(_ path: String) -> Bool {
        do { return try FileStatus(path: path).kind == .directory } catch { return false }
    }

    private static func nearestDirectory(_ path: String) -> String {
        var path = path
        while path != "/", !isDirectory(path) { path = Path.directory(of: path) }
        return path
    }
}
