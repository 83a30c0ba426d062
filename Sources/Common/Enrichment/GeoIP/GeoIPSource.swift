import Glibc
import Synchronization

/// The current database of a path, renewed when the file changes; shared by all workers.
///
/// A missing or damaged file never stops anything: the database in use stays in use, and without one addresses have
/// no place. Replace the file by a rename, as update programs do; `MappingGuard` softens what happens otherwise.
package final class GeoIPSource: Sendable {
    let path: String
    /// Changes with the database, so that a lookup sees in one load whether there is a new one.
    private let generation = Atomic(0)
    private let state = Mutex(State())

    private struct State: Sendable {
        var database: GeoIPDatabase?
        /// The file that was tried last, whatever came of it.
        var file: File?
        var wasTried = false
    }

    /// Opens the database at `path`, or warns once that there is none yet.
    init(path: String) {
        self.path = path
        reloadIfChanged()
    }

    /// The database in use, for statistics.
    struct Status: Sendable {
        let type: String
        let buildEpoch: UInt64
        let bytes: Int
    }

    var status: Status? {
        state.withLock(\.database).map {
            Status(type: $0.type, buildEpoch: $0.buildEpoch, bytes: $0.mapping.count)
        }
    }

    /// Number of the current database; counts up with every change.
    package var currentGeneration: Int { generation.load(ordering: .acquiring) }

    /// The database in use and its number.
    func current() -> (database: GeoIPDatabase?, generation: Int) {
        state.withLock { ($0.database, generation.load(ordering: .relaxed)) }
    }

    /// Looks at the file, and opens it when it is not the one that was looked at before.
    ///
    /// Blocks for some file operations; called from one thread every now and then.
    package func reloadIfChanged() {
        let file = File(path: path)
        let (isChanged, hasDatabase) = state.withLock { state in
            let isChanged = !state.wasTried || state.file != file
            state.file = file
            state.wasTried = true
            return (isChanged, state.database != nil)
        }
        guard isChanged else { return }
        let consequence =
            hasDatabase ? "the one in use stays in use" : "events get no geo fields until it is there"
        guard file != nil else {
            Log.warning("GeoIP database is missing; \(consequence)", ["path": path])
            return
        }
        do {
            let database = try GeoIPDatabase(path: path)
            // A file changed while it was opened is half old, half new: it is tried again next time.
            guard File(path: path) == file else {
                state.withLock { $0.wasTried = false }
                return
            }
            use(database)
        } catch {
            Log.warning(
                "GeoIP database cannot be used; \(consequence)",
                ["path": path, "reason": "\(error)"]
            )
        }
    }

    private func use(_ database: GeoIPDatabase) {
        let old = state.withLock { state in
            let old = state.database
            state.database = database
            generation.add(1, ordering: .releasing)
            return old
        }
        Log.info(
            old == nil ? "GeoIP database loaded" : "GeoIP database replaced",
            [
                "path": path, "type": database.type, "built": "\(database.buildEpoch)",
                "bytes": "\(database.mapping.count)",
            ]
        )
    }
}

/// What tells one state of a file from another.
private struct File: Equatable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let modifiedSeconds: Int
    let modifiedNanoseconds: Int

    /// Nil when there is no file, or none that may be looked at.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
    }
}
