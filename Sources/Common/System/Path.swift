import Glibc

/// Paths as text, and directories.
package enum Path {
    /// Everything before the last `/`; `.` when there is none.
    package static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Everything behind the last `/`.
    package static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The names in a directory, in no order, without `.` and `..`.
    package static func names(in directory: String) throws(Errno) -> [String] {
        guard let stream = opendir(directory) else { throw .current }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// mkdir(2) for `path` and every missing parent.
    package static func createDirectories(_ path: String, mode: UInt32 = 0o750) throws(AtomicFile.Failure) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        let parent = directory(of: path)
        if parent != path, parent != "." { try createDirectories(parent, mode: mode) }
        guard mkdir(path, mode) != 0 else { return }
        let cause = Errno.current
        if cause == .exists, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        throw AtomicFile.Failure(step: "create the directory", path: path, cause: cause)
    }
}
