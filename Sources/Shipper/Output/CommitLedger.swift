/// The windows handed to the output, in the order of their lines.
///
/// Several connections finish windows in any order, but a window counts as stored only when all before it are: were
/// the offset of a file moved past a window that is still on its way, a crash would lose that one's lines. Pure
/// bookkeeping.
struct CommitLedger {
    private struct Entry {
        let batch: Batch
        var isAcknowledged = false
    }

    /// Windows that may wait for an earlier one, on a host that is slow or hangs until its time-out.
    ///
    /// What waits is a list of offsets, a few hundred bytes; after a crash all of it is sent again.
    static let maxHeldBack = 1024

    private var entries: [Entry] = []
    private var committed: [Batch] = []
    /// Windows without an ack.
    private(set) var unacknowledged = 0

    /// Windows whose progress is not handed out yet.
    var count: Int { entries.count }
    /// The window handed over last, if it does not count as stored.
    var youngest: Batch? { entries.last?.batch }

    /// Whether a further window would have to wait for too many.
    var isFull: Bool { entries.count - unacknowledged >= Self.maxHeldBack }

    /// Takes a window whose lines come behind those of all others.
    mutating func submit(_ batch: Batch) {
        entries.append(Entry(batch: batch))
        unacknowledged += 1
    }

    /// A receiver has stored this window.
    ///
    /// - Returns: whether the oldest window is a different one now.
    mutating func acknowledged(_ id: SendWindow.ID) -> Bool {
        guard let index = entries.firstIndex(where: { $0.batch.id == id }), !entries[index].isAcknowledged
        else { return false }
        entries[index].isAcknowledged = true
        unacknowledged -= 1
        guard index == 0 else {
            // The bytes will not be sent again; only what they mean has to wait.
            _ = entries[index].batch.takeFrames()
            return false
        }
        let ready = entries.prefix { $0.isAcknowledged }
        committed += ready.map(\.batch)
        entries.removeFirst(ready.count)
        return true
    }

    /// The windows that have come to count as stored since the last call, oldest first.
    mutating func takeCommitted() -> [Batch] {
        guard !committed.isEmpty else { return [] }
        defer { committed.removeAll() }
        return committed
    }
}
