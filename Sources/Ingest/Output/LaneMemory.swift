/// How much of a worker's memory for documents each of its lanes may hold.
///
/// Memory that others do not use is free for all but a reserve for each: whoever holds a lot because the store does not
/// take it leaves enough for the others to go on. The reserves are half of all at most. Pure arithmetic.
struct LaneMemory {
    /// For the documents of all lanes together.
    let limitBytes: Int
    /// What no lane is kept from holding: a bulk, or its share of half of the memory when there are many lanes.
    let reserveBytes: Int

    /// - Parameter lanes: how many have senders or documents.
    init(limitBytes: Int, batchBytes: Int, lanes: Int) {
        self.limitBytes = limitBytes
        reserveBytes = lanes > 1 ? min(batchBytes, limitBytes / (2 * lanes)) : batchBytes
    }

    /// What one lane may hold while the others hold so much.
    func allowance(others: some Sequence<Int>) -> Int {
        let taken = others.reduce(0) { $0 + max($1, reserveBytes) }
        return max(limitBytes - taken, reserveBytes)
    }
}
