/// Who of a worker's connections may hold how much memory for half-received frames.
///
/// Small buffers are free: every connection may hold `freeBytes`. What goes beyond is taken from a common budget,
/// and a connection that gets nothing is not read until something is given back: TCP pushes back on its sender.
/// One connection of each lane is always served, however large its frame, so that waiting ends, and ends for those whose
/// documents are taken while others' are not. Pure bookkeeping.
struct MemoryBudget {
    /// A connection on the event loop, by its token.
    typealias Holder = UInt64
    /// Those who wait for the same thing to go on.
    typealias Lane = ObjectIdentifier

    /// Bytes that each connection holds without asking: a socket's worth of a trickle.
    static let freeBytes = 64 * 1024

    private let limit: Int
    private var held: [Holder: Int] = [:]
    /// The one of each lane that may exceed the limit: the first that asked since nobody was.
    private var favoured: [Lane: Holder] = [:]
    private(set) var used = 0

    /// - Parameter limit: bytes for all connections together.
    init(limit: Int) { self.limit = limit }

    /// Asks for `bytes` in all for `holder`, which may hold some already.
    ///
    /// - Returns: whether it may hold that much; if not, what it held before stays granted.
    mutating func grant(_ holder: Holder, of lane: Lane, bytes: Int) -> Bool {
        guard bytes > Self.freeBytes else {
            release(holder)
            return true
        }
        let before = held[holder] ?? 0
        if favoured[lane] == nil { favoured[lane] = holder }
        guard used - before + bytes <= limit || favoured[lane] == holder else { return false }
        held[holder] = bytes
        used += bytes - before
        return true
    }

    /// Gives back what `holder` holds.
    mutating func release(_ holder: Holder) {
        if let bytes = held.removeValue(forKey: holder) { used -= bytes }
        if let lane = favoured.first(where: { $0.value == holder })?.key { favoured[lane] = nil }
    }
}
