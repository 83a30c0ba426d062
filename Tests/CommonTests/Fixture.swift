import Foundation

/// Files below Tests/Fixtures, found through this file's own place.
enum Fixture {
    static func path(_ name: String) -> String {
        // Not a default argument, which would be the caller's place.
        let file = #filePath
        return URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures").appendingPathComponent(name).path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    static func json(_ name: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(try bytes(name)), options: [.fragmentsAllowed])
    }
}
