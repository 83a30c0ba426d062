import Foundation

/// Files that tests read.
enum Fixture {
    /// The absolute path of `Tests/Fixtures/<name>`.
    static func path(_ name: String) -> String { tests + "/Fixtures/" + name }

    private static let tests: String = {
        let file = #filePath
        return file.components(separatedBy: "/Tests/IngestTests/").dropLast().joined(separator: "/")
            + "/Tests"
    }()
}
