import Common
import Glibc

/// Names that are symbolic links (`symlinks: true`): the link is the file's name, and its target's directory is
/// watched, because that is where it is rotated.
extension Harvesters {
    /// Remembers where a link leads to.
    func noteLink(_ path: String) {
        guard let directory = Self.targetDirectory(path) else { return }
        linkDirectories.insert(directory)
    }

    /// Where files beside the one with this name are: in its directory and, for a link, in that of its target.
    func directoriesBeside(_ path: String, input: Int) -> [String] {
        let own = Path.directory(of: path)
        guard inputs[input].files.symlinks, let other = Self.targetDirectory(path), other != own else {
            return [own]
        }
        return [own, other]
    }

    private static func targetDirectory(_ path: String) -> String? {
        guard let target = realpath(path, nil) else { return nil }
        defer { free(target) }
        return String(validatingCString: target).map(Path.directory(of:))
    }
}
