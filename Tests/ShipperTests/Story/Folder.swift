import Foundation

/// A fresh folder with log files in it, gone with its owner.
final class Folder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("elkfa-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { path + "/" + name }

    /// Appends, and makes the file if it is missing.
    func append(_ text: String, to name: String) throws { try append(Array(text.utf8), to: name) }

    func append(_ bytes: [UInt8], to name: String) throws {
        let descriptor = open(path(name), O_WRONLY | O_APPEND | O_CREAT, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw CocoaError(.fileWriteUnknown) }
            rest = rest.dropFirst(count)
        }
    }

    func rename(_ name: String, to other: String) throws {
        guard Foundation.rename(path(name), path(other)) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    func copy(_ name: String, to other: String) throws {
        try append([UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name)))), to: other)
    }

    func truncate(_ name: String, to length: Int = 0) throws {
        guard Foundation.truncate(path(name), off_t(length)) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }
}

/// Numbered lines: `line 000001 of app`, with a newline each.
func lines(_ numbers: ClosedRange<Int>, _ name: String = "app") -> String {
    numbers.map { "line \(String(repeating: "0", count: max(0, 6 - String($0).count)))\($0) of \(name)\n" }
        .joined()
}

/// The same lines as messages.
func messages(_ numbers: ClosedRange<Int>, _ name: String = "app") -> [String] {
    lines(numbers, name).split(separator: "\n").map(String.init)
}
