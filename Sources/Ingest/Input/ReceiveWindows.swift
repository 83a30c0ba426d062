/// The windows of one connection that have not been acknowledged, oldest first.
///
/// Pure bookkeeping: it opens no socket and reads no clock. A window may be acknowledged when all of its events
/// have arrived and every document made of them is stored or dead-lettered, and only in the order of arrival:
/// senders (Beats, ours) take an ack for the oldest window they wait for.
struct ReceiveWindows {
    /// Names one window of the connection, in order of arrival.
    typealias ID = Int

    private struct Window {
        /// Documents handed to the output and not yet stored.
        var outstanding = 0
        /// The sequence number to acknowledge; nil while events are still to come.
        var lastSequence: UInt32?
    }

    /// Acknowledged windows at the front stay until they are half of the array, so that finishing one is cheap
    /// also for a sender of very many.
    private var windows: [Window] = []
    private var finished = 0
    private var firstID: ID = 0

    /// Windows not yet acknowledged.
    var count: Int { windows.count - finished }

    /// Whether the newest window still waits for events.
    var isReceiving: Bool { isBusy && windows.last.map { $0.lastSequence == nil } ?? false }

    /// Whether the sender waits for us: keep-alives are due.
    var isBusy: Bool { count > 0 }

    /// Opens a window behind the others.
    mutating func begin() -> ID {
        windows.append(Window())
        return firstID + windows.count - 1
    }

    /// Counts documents of window `id` on their way to the store.
    mutating func sent(_ id: ID, documents: Int = 1) {
        guard let index = index(of: id) else { return }
        windows[index].outstanding += documents
    }

    /// All events of the newest window have arrived; `sequence` is the last of them.
    mutating func complete(sequence: UInt32) {
        guard isBusy, let last = windows.indices.last else { return }
        windows[last].lastSequence = sequence
    }

    /// Counts documents of window `id` that are safe.
    mutating func stored(_ id: ID, documents: Int) {
        guard let index = index(of: id) else { return }
        windows[index].outstanding -= documents
    }

    /// The sequence number to acknowledge now; call again until nil, each answer finishes one window.
    mutating func nextAck() -> UInt32? {
        guard isBusy, let sequence = windows[finished].lastSequence, windows[finished].outstanding == 0 else {
            return nil
        }
        finished += 1
        if finished * 2 >= windows.count {
            windows.removeFirst(finished)
            firstID += finished
            finished = 0
        }
        return sequence
    }

    private func index(of id: ID) -> Int? {
        let index = id - firstID
        return index >= finished && index < windows.count ? index : nil
    }
}
