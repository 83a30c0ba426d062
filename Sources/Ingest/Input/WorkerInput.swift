import Common

/// What one worker does with what arrives on one port.
///
/// Connections find it by the number of their input; a reload changes what is in it between two events.
final class WorkerInput {
    private(set) var pipeline: Pipeline
    private(set) var tls: TLSContext?
    private(set) var lane: WorkerLane
    /// Events received.
    private(set) var events: Counter
    /// Connections open now, of all workers.
    private var openConnections: Gauge
    /// Connections of this worker.
    private(set) var connections = 0
    /// Its port is closed; the connections end when their windows are acknowledged.
    var isRemoved = false

    init(_ entry: WorkerInputs.Entry, lane: WorkerLane) {
        pipeline = entry.pipeline
        tls = entry.tls
        events = entry.events
        openConnections = entry.openConnections
        self.lane = lane
    }

    /// Another pipeline from the next event on.
    func change(to entry: WorkerInputs.Entry, lane: WorkerLane) {
        pipeline = entry.pipeline
        tls = entry.tls
        events = entry.events
        openConnections.add(-connections)
        openConnections = entry.openConnections
        openConnections.add(connections)
        self.lane.connections -= connections
        self.lane = lane
        lane.connections += connections
    }

    func connectionOpened() {
        connections += 1
        lane.connections += 1
        openConnections.add(1)
    }

    func connectionClosed() {
        connections -= 1
        lane.connections -= 1
        openConnections.add(-1)
    }
}

/// Everything that one worker needs to serve the inputs of a configuration.
///
/// Made where a failure can be told to someone, then handed over.
final class WorkerInputs: @unchecked Sendable {
    // Sendable is true because its maker keeps nothing of it: exactly one worker gets it, by its mailbox or at its start.

    struct Entry {
        /// Names the input as long as the process lives.
        let id: Int
        let pipeline: Pipeline
        let tls: TLSContext?
        let outlet: Outlet
        let events: Counter
        let openConnections: Gauge
    }

    let entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }
}
