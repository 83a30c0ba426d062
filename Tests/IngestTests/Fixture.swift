import Foundation

/// Files that tests read.
enum Fixture {
    /// The absolute path of `Tests/Fixtures/<name>`.
    static func path(_ name: String) -> String { tests + "/Fixtures/" + name }

    /// The lines of a fixture, without empty ones.
    static func lines(_ name: String) throws -> [Substring] {
        try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n")
    }

    /// The repository's root.
    static let root = String(tests.dropLast("/Tests".count))

    private static let tests: String = {
        let file = #filePath
        return file.components(separatedBy: "/Tests/IngestTests/").dropLast().joined(separator: "/")
            + "/Tests"
    }()
}
