/// The windows on one connection that are not yet acknowledged, oldest first.
///
/// Pure bookkeeping: it opens no socket and reads no clock; `LumberjackConnection` does what each call returns.
///
///     append ──> waiting ──nextToSend──> sent ──acknowledged(all)──> stored
///                   │                      │
///                   └──── disconnected ────┴──> given back
struct SendWindow {
    typealias ID = UInt64

    /// What an ack means.
    enum Step: Equatable {
        /// The oldest window is stored by the receiver; the registry may move past it.
        case stored(ID)
        /// The receiver is alive and works: wait on.
        case wait
        /// The peer acknowledged what was never sent. Nothing counts as delivered; close and send again.
        case protocolError
    }

    private struct Window {
        let id: ID
        let count: UInt32
        var isSent = false
    }

    /// Windows that may be outstanding at once.
    let limit: Int
    private var windows: [Window] = []

    init(limit: Int) { self.limit = max(limit, 1) }

    var isFull: Bool { windows.count >= limit }
    var isEmpty: Bool { windows.isEmpty }
    /// Windows on the connection and not stored.
    var outstanding: Int { windows.count }
    /// Windows completely written to the connection and not stored.
    var sent: Int { windows.count { $0.isSent } }

    /// Takes a window of `count` events.
    ///
    /// The caller has asked `isFull` before.
    mutating func append(_ id: ID, count: UInt32) {
        windows.append(Window(id: id, count: count))
    }

    /// The oldest window that is not on the connection yet.
    var nextToSend: ID? { windows.first { !$0.isSent }?.id }

    /// Records that all bytes of `nextToSend` were written.
    mutating func written() {
        guard let index = windows.firstIndex(where: { !$0.isSent }) else { return }
        windows[index].isSent = true
    }

    /// Records an ack of the first `sequence` events of the oldest window.
    ///
    /// Windows are finished in order, each by an ack of its own (the Beats protocol). Smaller
    /// acks, and 0, only say that the receiver is alive: progress inside a window is not kept.
    mutating func acknowledged(_ sequence: UInt32) -> Step {
        if sequence == 0 { return .wait }
        guard let oldest = windows.first, oldest.isSent, sequence <= oldest.count else {
            return .protocolError
        }
        guard sequence == oldest.count else { return .wait }
        windows.removeFirst()
        return .stored(oldest.id)
    }

    /// The connection is gone: it holds no windows any more.
    ///
    /// - Parameter isBegun: whether some bytes of `nextToSend` were written.
    /// - Returns: how many windows the peer may have seen; they are the oldest.
    mutating func disconnected(isBegun: Bool) -> Int {
        defer { windows.removeAll() }
        return sent + (isBegun ? 1 : 0)
    }
}
