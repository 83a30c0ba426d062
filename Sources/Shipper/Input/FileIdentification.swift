import Common
import Glibc

/// Decides what an open file is to the registry: known, truncated, moved, a copy, or new.
///
/// Reads a few kibibytes of the file and of those it is compared with; changes nothing.
struct FileIdentification {
    let registry: Registry
    /// Monotonic time that a candidate must have been unchanged, before it counts as settled.
    static let settlingTime: Int64 = 10_000_000_000

    /// What is known about an open file.
    enum Verdict {
        case known(FileState)
        /// The file of this state, but not its content any more.
        case truncated(FileState)
        /// The same file under another device number (devices are numbered anew at boot).
        case renumbered(FileState)
        case copy(of: FileState, offset: Int64, fingerprint: Fingerprint)
        case wait
        case new
    }

    /// - Parameter live: open files that were read in part, and so may be the original of a copy.
    /// - Parameter gone: states of files that are not found any more.
    /// - Parameter mayBeCopy: false for a file that was seen to be renamed from a live name.
    func verdict(
        raw file: Int32,
        _ status: FileStatus,
        path: String,
        live: [Harvester],
        gone: [FileState],
        mayBeCopy: Bool = true,
        isSettled: Bool
    ) throws(Errno) -> Verdict {
        if let state = registry.states[status.key] {
            guard status.size >= state.offset else { return .truncated(state) }
            if state.offset > 0 {
                return try state.fingerprint.matches(raw: file, at: state.offset)
                    ? .known(state) : .truncated(state)
            }
            // The token of a copy, which has another name, is not made from its own key.
            guard state.path == path, try state.isBeginning(of: file) == false else { return .known(state) }
            return .truncated(state)
        }
        if let state = try renumbered(file, status, gone) { return .renumbered(state) }
        guard mayBeCopy else { return .new }
        for state in registry.ended.reversed() + gone where CopyRule.isRotated(path, of: state.path) {
            let (offset, fingerprint) = state.resumption
            if offset == 0, try state.isBeginning(of: file) == true {
                return .copy(of: state, offset: 0, fingerprint: .empty)
            }
            guard status.size >= offset, offset > 0 else { continue }
            let matches = try fingerprint.matches(raw: file, at: offset)
            if case .copy = CopyRule.besideEnded(size: status.size, offset: offset, contentMatches: matches) {
                return .copy(of: state, offset: offset, fingerprint: fingerprint)
            }
        }
        var waits = false
        for harvester in live where isOriginal(harvester, of: path) {
            switch try besideLive(file, status, harvester, isSettled: isSettled) {
            case .copy(let offset):
                if let fingerprint = try Fingerprint.read(raw: file, at: offset) {
                    return .copy(of: harvester.state, offset: offset, fingerprint: fingerprint)
                }
            case .wait: waits = true
            case .unrelated: break
            }
        }
        return waits ? .wait : .new
    }

    private func renumbered(_ file: Int32, _ status: FileStatus, _ gone: [FileState]) throws(Errno)
        -> FileState?
    {
        guard status.key.birth != 0 else { return nil }
        for state in gone where state.key.inode == status.key.inode && state.key.birth == status.key.birth {
            guard status.size >= state.offset else { continue }
            if try state.fingerprint.matches(raw: file, at: state.offset) { return state }
        }
        return nil
    }

    private func isOriginal(_ harvester: Harvester, of path: String) -> Bool {
        CopyRule.isRotated(path, of: harvester.path) || CopyRule.isRotated(path, of: harvester.state.path)
    }

    private func besideLive(
        _ file: Int32,
        _ status: FileStatus,
        _ harvester: Harvester,
        isSettled: Bool
    ) throws(Errno) -> CopyRule.Verdict {
        guard let original = harvester.raw else { return .unrelated }
        let common = min(status.size, harvester.offset)
        let head = Fingerprint.length(at: common)
        let headMatches = try Self.isSame(file, original, 0, head)
        let tail = Fingerprint.length(at: common)
        let contentMatches = headMatches ? try Self.isSame(file, original, common - Int64(tail), tail) : false
        return CopyRule.besideLive(
            size: status.size,
            read: harvester.offset,
            headMatches: headMatches,
            contentMatches: contentMatches,
            isSettled: isSettled
        )
    }

    private static func isSame(_ left: Int32, _ right: Int32, _ offset: Int64, _ length: Int) throws(Errno)
        -> Bool
    {
        var one = ByteBuffer(capacity: length)
        var other = ByteBuffer(capacity: length)
        try one.append(raw: left, offset, length)
        try other.append(raw: right, offset, length)
        return one.array == other.array
    }
}
