import Common

/// What happens to the documents of each lane: when a bulk goes out, and what its end means for windows.
extension Worker {
    /// The lane of an outlet, made when it is asked for first.
    func lane(for outlet: Outlet) -> WorkerLane {
        if let known = lanes.first(where: { $0.outlet === outlet }) { return known }
        let lane = WorkerLane(outlet: outlet)
        lanes.append(lane)
        makeRoom(lane)
        return lane
    }

    /// Finds out how much `lane` may hold beside what the others do now.
    func makeRoom(_ lane: WorkerLane) {
        guard lanes.count > 1 else {
            lane.allowanceBytes = settings.memoryBytes / 2
            lane.batchBytes = settings.maxBatchBytes
            return
        }
        let others = lanes.filter { $0 !== lane && $0.isInUse }
        let memory = LaneMemory(
            limitBytes: settings.memoryBytes / 2,
            batchBytes: settings.maxBatchBytes,
            lanes: others.count + 1
        )
        lane.allowanceBytes = memory.allowance(others: others.map(\.heldBytes))
        lane.batchBytes = memory.reserveBytes
    }

    /// Hands the open batch over when it is worth it: nothing is in flight, or it has waited long enough.
    func submitIfDue(_ lane: WorkerLane, now: Int64) {
        guard !lane.batch.isEmpty, lane.flights < settings.concurrentBatches else { return }
        if lane.flights == 0 || now - lane.batchStart >= settings.maxBatchDelay { submit(lane, now: now) }
    }

    func submit(_ lane: WorkerLane, now: Int64) {
        guard !lane.batch.isEmpty, !lane.isBlocked else { return }
        let number = nextBatch
        let bytes = lane.batch.byteCount
        let isTaken = output.submit(
            lane.batch,
            lane: lane.outlet.lane,
            turnedBack: { [mailbox] in mailbox.send(.turnedBack(batch: number, $0)) },
            completion: { [mailbox] in mailbox.send(.finished(batch: number, $0)) }
        )
        guard isTaken else {
            lane.isBlocked = true
            output.whenRoom(for: bytes) { [mailbox] in mailbox.send(.room) }
            return
        }
        nextBatch += 1
        flights[number] = lane.depart()
    }

    /// Documents of a batch were turned back: windows without any of them need not wait for those.
    func turnedBack(_ number: Int, _ remainder: BulkRemainder, now: Int64) {
        guard var flight = flights.removeValue(forKey: number) else { return }
        flight.lane.turnedBack(&flight, remainder) { stored($1, of: $0, now: now) }
        flights[number] = flight
    }

    /// A batch is complete or given up: the windows whose documents are all safe are acknowledged.
    func finish(_ number: Int, _ result: BulkResult, now: Int64) {
        guard let flight = flights.removeValue(forKey: number) else { return }
        flight.lane.arrived(flight)
        guard case .complete(let counts) = result else { return }
        flight.lane.outlet.count(counts - flight.counted)
        for share in flight.shares { stored(share.waiting, of: share, now: now) }
    }

    /// Documents of a window have become safe.
    private func stored(_ documents: Int, of share: WorkerLane.Share, now: Int64) {
        guard let connection = connections[share.connection] else { return }
        connection.windows.stored(share.window, documents: documents)
        do throws(BeatsConnection.End) {
            try acknowledge(connection, now: now)
            updateInterest(of: connection)
        } catch {
            end(share.connection, error)
        }
    }
}
