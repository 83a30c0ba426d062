import Common
import Glibc

/// The one file that holds what is aggregated and not yet stored.
struct RollUpCheckpointFile {
    /// Tables at their limits come to about a tenth of that.
    private static let maxBytes = 512 << 20

    let path: String

    /// The content of an earlier run; nil when there is none.
    ///
    /// A damaged file is kept beside as `….damaged`, and counts as none.
    ///
    /// - Throws: when the file cannot be read, or a damaged one not be moved: it would be written over.
    func load() throws(AtomicFile.Failure) -> RollUpCheckpoint.Content? {
        let bytes: [UInt8]
        do { bytes = try AtomicFile.read(path, limit: Self.maxBytes) } catch {
            if error.cause == .notFound { return nil }
            throw error
        }
        do { return try RollUpCheckpoint.decode(bytes.span.bytes) } catch {
            let aside = path + ".damaged"
            do { try Errno.check { rename(path, aside) } } catch {
                throw AtomicFile.Failure(step: "move the damaged file", path: path, cause: error)
            }
            Log.error(
                "the checkpoint of roll-ups is damaged; what it counted is lost",
                ["path": path, "reason": "\(error)", "kept_as": aside]
            )
            return nil
        }
    }

    func save(_ state: RollUpState) throws(AtomicFile.Failure) {
        let bytes = RollUpCheckpoint.encode(state)
        guard bytes.count <= Self.maxBytes else {
            throw AtomicFile.Failure(step: "write", path: path, cause: Errno(EFBIG))
        }
        try bytes.withUnsafeBytes { (bytes) throws(AtomicFile.Failure) in
            try AtomicFile.write(bytes, to: path)
        }
    }

    /// Removes the file, so that it is not there after a power cut either.
    func remove() throws(AtomicFile.Failure) {
        do { try Errno.check(tolerating: .notFound) { unlink(path) } } catch {
            throw AtomicFile.Failure(step: "remove", path: path, cause: error)
        }
        try AtomicFile.syncDirectory(of: path)
    }
}
