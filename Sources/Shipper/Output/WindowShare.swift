/// Which connection gets the next window: of those with room the one with the fewest windows, and among equals the one
/// whose turn is longest ago.
///
/// So a trickle goes round, and a slow receiver gets what it can take.
struct WindowShare {
    /// When each connection had its turn last.
    private var turns: [UInt64]
    private var turn: UInt64 = 0

    init(connections: Int) { turns = Array(repeating: 0, count: connections) }

    /// - Parameter load: how many windows are on a connection; nil when it takes none.
    /// - Returns: the connection that gets the window; nil when none takes it.
    mutating func next(_ load: (Int) -> Int?) -> Int? {
        var best: (index: Int, load: Int)?
        for index in turns.indices {
            guard let load = load(index) else { continue }
            if let best, (best.load, turns[best.index]) <= (load, turns[index]) { continue }
            best = (index, load)
        }
        guard let best else { return nil }
        turn += 1
        turns[best.index] = turn
        return best.index
    }
}
