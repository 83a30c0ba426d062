import Common
import Glibc

/// Finds files by glob(7) patterns.
struct PathScanner: Sendable {
    private let patterns: [PathPattern]
    /// A pattern with a slash is held against the whole path, any other against the name.
    private let exclusions: [(pattern: PathPattern, isOfPath: Bool)]

    /// - Parameter patterns: relative ones begin at the working directory.
    init(patterns: [String], exclusions: [String] = []) {
        self.patterns = patterns.map { PathPattern(Self.absolute($0)) }
        self.exclusions = exclusions.map { (PathPattern($0), $0.utf8.contains(UInt8(ascii: "/"))) }
    }

    /// A path found, or a name that cannot be a `String`.
    enum Finding: Equatable {
        case path(String)
        case notUTF8(String)
    }

    /// All names that the patterns match now, pattern by pattern, each once.
    func scan() -> [Finding] {
        var seen: Set<String> = []
        var findings: [Finding] = []
        for finding in patterns.flatMap({ $0.scan() }) {
            switch finding {
            case .path(let path): if isExcluded(path) || !seen.insert(path).inserted { continue }
            case .notUTF8: break
            }
            findings.append(finding)
        }
        return findings
    }

    /// Whether a path would be found by `scan`.
    func matches(_ path: String) -> Bool {
        patterns.contains { $0.matches(path, flags: Int32(FNM_PATHNAME | FNM_PERIOD)) } && !isExcluded(path)
    }

    /// Directories where a new name can make a pattern match.
    func directories() -> Set<String> {
        patterns.reduce(into: []) { $0.formUnion($1.directories()) }
    }

    private func isExcluded(_ path: String) -> Bool {
        exclusions.contains { exclusion in
            exclusion.pattern.matches(
                exclusion.isOfPath ? path : Path.name(of: path),
                flags: Int32(FNM_PATHNAME)
            )
        }
    }

    private static func absolute(_ pattern: String) -> String {
        if pattern.utf8.first == UInt8(ascii: "/") { return pattern }
        guard let current = getcwd(nil, 0) else { return pattern }
        defer { free(current) }
        return String(cString: current) + "/" + pattern
    }
}
