import Common

/// What the shipper knows of all files: in memory here, on disk through `RegistryStore`.
///
/// Bounded: states of files that are gone are dropped after a while, the oldest first when there are many.
final class Registry {
    /// An ended life is kept this long: its copy turns up within seconds, or after the next start.
    static let forgetEndedSeconds: Int64 = 24 * 3600
    static let maxEnded = 1000
    static let maxGone = 20_000

    private(set) var states: [FileKey: FileState] = [:]
    /// Lives ended by truncation or deletion, oldest first.
    private(set) var ended: [FileState] = []
    /// Whether there is something to save.
    private(set) var isDirty = false
    /// What the clocks said when they were last looked at.
    var clocks: Clocks?
    /// Saves begun.
    private(set) var startedSaves = 0
    /// Saves ended, whether they succeeded or not.
    private(set) var finishedSaves = 0

    init(_ saved: [FileState] = []) {
        for state in saved {
            if state.isEnded {
                ended.append(state)
            } else if let other = states[state.key], other.generation > state.generation {
                ended.append(state)
            } else {
                states[state.key] = state
            }
        }
    }

    /// Everything that is saved.
    var all: [FileState] { ended + states.values }

    func add(_ state: FileState) {
        states[state.key] = state
        isDirty = true
    }

    /// Ends a life; its state stays for copies that may turn up.
    func end(_ state: FileState) {
        guard !state.isEnded else { return }
        state.isEnded = true
        if states[state.key] === state { states[state.key] = nil }
        // Nothing was read, so a copy of it is as new as any file.
        if state.offset > 0 || state.token != nil { ended.append(state) }
        if ended.count > Self.maxEnded { ended.removeFirst(ended.count - Self.maxEnded) }
        isDirty = true
    }

    /// Drops an ended life whose copy was found: it is known under the copy's key now.
    func drop(_ state: FileState) {
        ended.removeAll { $0 === state }
        if states[state.key] === state { states[state.key] = nil }
        isDirty = true
    }

    /// Records that offsets moved.
    func moved() { isDirty = true }

    /// Drops the states that `Registry+Expiry` names, and of files that are not open the oldest above `maxGone`.
    func forget(
        ended isOver: (FileState) -> Bool,
        gone isGone: (FileState) -> Bool,
        isOpen: (FileKey) -> Bool
    ) {
        let before = states.count + ended.count
        ended.removeAll(where: isOver)
        for (key, state) in states where isGone(state) { states[key] = nil }
        if states.count > Self.maxGone {
            let gone = states.values.filter { !isOpen($0.key) }.sorted { $0.lastSeen < $1.lastSeen }
            for state in gone.prefix(max(gone.count - Self.maxGone, 0)) { states[state.key] = nil }
        }
        if states.count + ended.count != before { isDirty = true }
    }

    /// The number of finished saves from which on everything known now is on disk, if the disk takes it.
    var nextSave: Int { startedSaves + 1 }

    /// The text to save now.
    ///
    /// Later changes make the registry dirty again.
    func snapshot() -> ByteBuffer {
        isDirty = false
        startedSaves += 1
        return RegistryFile.encode(all)
    }

    func saved(successfully: Bool) {
        finishedSaves = startedSaves
        if !successfully { isDirty = true }
    }
}
