import Common
import Glibc

/// Finds the files that states speak of: under the name that the state has, or beside it after a rename.
struct FilePlaces {
    struct Place: Equatable {
        let path: String
        let size: Int64
    }

    /// Names looked at in one directory.
    private static let maxNames = 10_000

    /// What each directory holds, looked up once.
    private var directories: [String: [FileKey: Place]] = [:]

    /// Where the file of a state is now; nil when it is not in its directory any more.
    mutating func place(of state: FileState) -> Place? {
        if let status = Self.status(state.path), status.key == state.key {
            return Place(path: state.path, size: status.size)
        }
        let directory = Path.directory(of: state.path)
        if directories[directory] == nil { directories[directory] = Self.places(in: directory) }
        return directories[directory]?[state.key]
    }

    private static func places(in directory: String) -> [FileKey: Place] {
        let names: [String]
        do { names = try Path.names(in: directory) } catch { return [:] }
        var places: [FileKey: Place] = [:]
        for name in names.prefix(maxNames) {
            let path = directory == "/" ? "/" + name : directory + "/" + name
            guard let status = status(path), status.kind == .regular else { continue }
            places[status.key] = Place(path: path, size: status.size)
        }
        return places
    }

    private static func status(_ path: String) -> FileStatus? {
        do { return try FileStatus(path: path) } catch { return nil }
    }
}
