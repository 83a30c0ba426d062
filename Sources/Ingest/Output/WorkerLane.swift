import Common

/// One pipeline's documents in one worker: the bulk being built, those in flight, and the connections that wait for room.
///
/// Lanes share the worker's memory and nothing else: one whose index takes nothing does not hold up the others.
final class WorkerLane {
    /// Documents of one window in one batch.
    struct Share {
        let connection: UInt64
        let window: ReceiveWindows.ID
        /// Where they stand in the batch.
        var range: Range<Int>
        /// How many of them are not safe yet.
        var waiting: Int
    }

    /// A batch that is on its way.
    struct Flight {
        let lane: WorkerLane
        var shares: [Share]
        /// Bytes of its documents that are not safe yet.
        var bytes: Int
        /// What was counted of the others.
        var counted = BulkCounts()
        /// Some of its documents were turned back; it does not count as one of those in flight any more.
        var isTurnedBack = false
    }

    /// Batches of which documents were turned back, each with another request now and then.
    private static let maxTurnedBack = 256

    let outlet: Outlet
    private(set) var batch = BulkBatch(capacityBytes: 0)
    /// `batch` is one of the indexer's, not the placeholder.
    private var hasMemory = false
    /// Whose documents are in `batch`.
    var shares: [Share] = []
    /// When the first document of the open batch came (monotonic nanoseconds).
    private(set) var batchStart: Int64 = 0
    /// The indexer has no room for the open batch.
    var isBlocked = false
    /// Batches in flight of which nothing was turned back.
    private(set) var flights = 0
    private(set) var turnedBackFlights = 0
    /// Bytes of all of them.
    private(set) var flightBytes = 0
    /// Connections whose documents go here.
    var connections = 0
    /// Connections that are not read until there is room.
    var line = WaitingLine()
    /// Bytes that it may hold, and of the smallest batch it begins; see `Worker.makeRoom`.
    var allowanceBytes = 0
    var batchBytes = 0

    init(outlet: Outlet) { self.outlet = outlet }

    var heldBytes: Int { flightBytes + batch.byteCount }

    /// Whether it matters to the other lanes.
    var isInUse: Bool { connections > 0 || heldBytes > 0 }

    /// Whether it holds as many documents as it may; a batch is begun only where a whole one fits.
    var isFull: Bool {
        if isBlocked || turnedBackFlights >= Self.maxTurnedBack { return true }
        guard batch.isEmpty else { return heldBytes >= allowanceBytes }
        return flightBytes > 0 && flightBytes + batchBytes > allowanceBytes
    }

    /// Begins a batch with the next document; the memory of one that stayed empty is used again.
    func begin(now: Int64, _ emptyBatch: () -> BulkBatch) {
        if !hasMemory { batch = emptyBatch() }
        hasMemory = true
        batchStart = now
    }

    /// Whether documents of it are on their way or about to be.
    var hasDocuments: Bool { flights > 0 || turnedBackFlights > 0 || !batch.isEmpty }

    /// Notes that documents were appended to the open batch.
    func share(with connection: UInt64, _ window: ReceiveWindows.ID, documents: Int) {
        if let last = shares.indices.last, shares[last].window == window,
            shares[last].connection == connection
        {
            shares[last].range = shares[last].range.lowerBound..<batch.documentCount
            shares[last].waiting += documents
        } else {
            let range = batch.documentCount - documents..<batch.documentCount
            shares.append(Share(connection: connection, window: window, range: range, waiting: documents))
        }
    }

    /// The open batch is on its way.
    ///
    /// - Returns: whose documents are in it.
    func depart() -> Flight {
        let bytes = batch.byteCount
        flights += 1
        flightBytes += bytes
        outlet.pendingBytes.add(bytes)
        // Its memory comes with its first document: an idle worker keeps none.
        batch = BulkBatch(capacityBytes: 0)
        hasMemory = false
        defer { shares = [] }
        return Flight(lane: self, shares: shares, bytes: bytes)
    }

    /// Some documents of a batch are safe, and others were turned back.
    ///
    /// - Parameter stored: told of each window and how many of its documents have become safe.
    func turnedBack(_ flight: inout Flight, _ remainder: BulkRemainder, stored: (Share, Int) -> Void) {
        if !flight.isTurnedBack {
            flight.isTurnedBack = true
            flights -= 1
            turnedBackFlights += 1
        }
        release(flight.bytes - remainder.bytes)
        flight.bytes = remainder.bytes
        outlet.count(remainder.counts - flight.counted)
        flight.counted = remainder.counts
        var rest = remainder.waiting[...]
        for index in flight.shares.indices {
            let share = flight.shares[index]
            rest = rest.drop { $0 < share.range.lowerBound }
            let left = rest.prefix { $0 < share.range.upperBound }.count
            flight.shares[index].waiting = left
            if left < share.waiting { stored(share, share.waiting - left) }
        }
        flight.shares.removeAll { $0.waiting == 0 }
    }

    /// A batch has ended.
    func arrived(_ flight: Flight) {
        if flight.isTurnedBack { turnedBackFlights -= 1 } else { flights -= 1 }
        release(flight.bytes)
    }

    private func release(_ bytes: Int) {
        flightBytes -= bytes
        outlet.pendingBytes.add(-bytes)
    }
}

/// Connections of a lane that wait to be read, in the order in which they go on.
///
/// First those that stopped in the middle of what they had received, because that takes memory; then in turn.
struct WaitingLine {
    private var stopped: [UInt64] = []
    private var others = Fifo<UInt64>()

    var isEmpty: Bool { stopped.isEmpty && others.isEmpty }
    var count: Int { stopped.count + others.count }

    mutating func append(_ connection: UInt64) { others.append(connection) }

    /// Back to the front: it holds received bytes.
    mutating func putBack(_ connection: UInt64) { stopped.append(connection) }

    mutating func popFirst() -> UInt64? { stopped.popLast() ?? others.popFirst() }

    /// Forgets connections that have ended.
    mutating func removeAll(where isGone: (UInt64) -> Bool) {
        stopped.removeAll(where: isGone)
        others.removeAll(where: isGone)
    }
}
