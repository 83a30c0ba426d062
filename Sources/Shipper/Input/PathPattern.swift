import Common
import Glibc

/// One glob(7) pattern, in which a name `**` stands for any number of directories, up to `maxLevels`.
///
/// As in Filebeat: the last `**` of a pattern counts. Symbolic links to directories are followed, but no directory is
/// looked into twice, so links that lead back make no loop.
struct PathPattern: Equatable, Sendable {
    static let maxLevels = 8
    /// Directories that one `**` looks into at most: below `/` there may be millions.
    static let maxDirectories = 10_000

    /// The pattern as glob(3) and fnmatch(3) know it: once, or with a `*` more for each level.
    private let flat: [String]
    private let recursion: Recursion?

    /// A `**` and what stands around it.
    private struct Recursion: Equatable, Sendable {
        let prefix: String
        let suffix: String
        let levels: Int
    }

    init(_ text: String) {
        let names = text.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard text.utf8.first == UInt8(ascii: "/"), let index = names.lastIndex(of: "**") else {
            flat = [text]
            recursion = nil
            return
        }
        let prefix = names[..<index].map { "/" + $0 }.joined()
        // At the end it stands for the files as well.
        let isLast = index == names.count - 1
        let suffix = isLast ? "/*" : names[(index + 1)...].map { "/" + $0 }.joined()
        let levels = isLast ? Self.maxLevels - 1 : Self.maxLevels
        flat = (0...levels).map { prefix + String(repeating: "/*", count: $0) + suffix }
        recursion = Recursion(prefix: prefix.isEmpty ? "/" : prefix, suffix: suffix, levels: levels)
    }

    /// How many names of a pattern are `**`.
    static func recursions(in text: String) -> Int {
        text.split(separator: "/", omittingEmptySubsequences: true).count { $0 == "**" }
    }

    /// Whether the pattern names this path.
    func matches(_ path: String, flags: Int32) -> Bool { flat.contains { fnmatch($0, path, flags) == 0 } }

    /// All names that there are now.
    func scan() -> [PathScanner.Finding] {
        guard let recursion else { return flat.flatMap(Self.glob) }
        let tree = Self.tree(below: recursion)
        return tree.directories.flatMap { directory in
            Self.glob((directory == "/" ? "" : Self.escaped(directory)) + recursion.suffix)
        } + tree.unnamable.map(PathScanner.Finding.notUTF8)
    }

    /// Directories where a new name can make the pattern match: the deepest that exist, and each that a wildcard is
    /// looked up in.
    func directories() -> Set<String> {
        guard let recursion else { return Self.directories(of: flat[0]) }
        var result = Self.directories(of: recursion.prefix + "/*")
        for directory in Self.tree(below: recursion).directories {
            result.insert(directory)
            guard recursion.suffix.utf8.dropFirst().contains(UInt8(ascii: "/")) else { continue }
            result.formUnion(
                Self.directories(of: (directory == "/" ? "" : Self.escaped(directory)) + recursion.suffix)
            )
        }
        return result
    }

    // MARK: - Without **

    private static func directories(of pattern: String) -> Set<String> {
        var result: Set<String> = []
        var names = pattern.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard !names.isEmpty else { return result }
        names.removeLast()
        let literal = names.prefix { !hasWildcard($0) }.count
        for count in literal...names.count {
            let prefix = "/" + names.prefix(count).joined(separator: "/")
            let found = glob(prefix).compactMap { finding -> String? in
                guard case .path(let path) = finding, isDirectory(path) else { return nil }
                return path
            }
            result.formUnion(found)
            if count == literal, found.isEmpty { result.insert(nearestDirectory(prefix)) }
        }
        return result
    }

    private static func glob(_ pattern: String) -> [PathScanner.Finding] {
        var result = glob_t()
        defer { globfree(&result) }
        // Unreadable directories are passed over here, and told when inotify is to watch them.
        guard Glibc.glob(pattern, 0, nil, &result) == 0, let names = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { index in
            guard let name = names[index] else { return nil }
            if let text = String(validatingCString: name) { return .path(text) }
            return .notUTF8(String(cString: name))
        }
    }

    private static func escaped(_ path: String) -> String {
        var text = ""
        for character in path {
            if "\\*?[".contains(character) { text.append("\\") }
            text.append(character)
        }
        return text
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

// MARK: - With **

extension PathPattern {
    private struct Tree {
        var directories: [String] = []
        /// Names of directories that are not UTF-8, repaired for the eye.
        var unnamable: [String] = []
    }

    /// The directories that a `**` stands for, level by level.
    private static func tree(below recursion: Recursion) -> Tree {
        var tree = Tree()
        var seen: Set<FileKey> = []
        var level = glob(recursion.prefix).compactMap { finding -> String? in
            if case .path(let path) = finding { path } else { nil }
        }
        for depth in 0...recursion.levels {
            var next: [String] = []
            for directory in level {
                guard let key = directoryKey(directory), seen.insert(key).inserted else { continue }
                guard tree.directories.count < maxDirectories else {
                    Log.limited(
                        .warning,
                        key: "glob " + recursion.prefix,
                        "** looks into no more than \(maxDirectories) directories; name a directory further down",
                        ["below": recursion.prefix]
                    )
                    return tree
                }
                tree.directories.append(directory)
                if depth < recursion.levels { appendChildren(of: directory, to: &next, &tree.unnamable) }
            }
            level = next.sorted()
        }
        return tree
    }

    private static func directoryKey(_ path: String) -> FileKey? {
        do {
            let status = try FileStatus(path: path)
            return status.kind == .directory ? status.key : nil
        } catch {
            // Gone meanwhile, or a link to nowhere.
            return nil
        }
    }

    /// Appends the names in a directory that may be directories; hidden ones are not, as for any wildcard.
    private static func appendChildren(
        of directory: String,
        to names: inout [String],
        _ unnamable: inout [String]
    ) {
        guard let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let type = Int32(entry.pointee.d_type)
            guard type == DT_DIR || type == DT_LNK || type == DT_UNKNOWN else { continue }
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let name = bytes.prefix { $0 != 0 }
                guard name.first != UInt8(ascii: ".") else { return }
                let prefix = directory == "/" ? "/" : directory + "/"
                if let text = String(validating: name, as: UTF8.self) {
                    names.append(prefix + text)
                } else if type == DT_DIR {
                    unnamable.append(prefix + String(decoding: name, as: UTF8.self))
                }
            }
        }
    }
}
