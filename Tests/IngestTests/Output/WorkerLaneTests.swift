import Common
import Testing

@testable import Ingest

@Suite("Lane of a worker")
struct WorkerLaneTests {
    /// A lane whose open batch has documents of windows 0, 1, 2 …, so many of each.
    private func lane(_ windows: [Int]) -> WorkerLane {
        let lane = WorkerLane(outlet: Outlet(pipeline: "p", metrics: Metrics()))
        lane.begin(now: 0) { BulkBatch() }
        for (window, documents) in windows.enumerated() {
            for _ in 0..<documents {
                lane.batch.append(
                    index: Array("i".utf8).span.bytes,
                    id: [UInt8]().span.bytes,
                    document: Array("{}".utf8).span.bytes
                )
                lane.share(with: 7, window, documents: 1)
            }
        }
        return lane
    }

    @Test("windows of documents that were turned back wait, and no others")
    func turnedBack() {
        let lane = lane([3, 2, 4])
        var flight = lane.depart()
        #expect(flight.shares.map(\.range) == [0..<3, 3..<5, 5..<9])
        #expect(lane.flights == 1 && lane.heldBytes == flight.bytes)
        var stored: [[Int]] = []
        func note(_ share: WorkerLane.Share, _ documents: Int) { stored.append([share.window, documents]) }
        lane.turnedBack(
            &flight,
            BulkRemainder(waiting: [2, 5, 6, 8], bytes: 40, counts: BulkCounts(stored: 5)),
            stored: note
        )
        #expect(stored == [[0, 2], [1, 2], [2, 1]])
        #expect(lane.flights == 0 && lane.hasDocuments && lane.heldBytes == 40)
        stored = []
        lane.turnedBack(
            &flight,
            BulkRemainder(waiting: [6], bytes: 10, counts: BulkCounts(stored: 7, deadLetters: 1)),
            stored: note
        )
        #expect(stored == [[0, 1], [2, 2]])
        #expect(flight.shares.map(\.window) == [2] && flight.shares.map(\.waiting) == [1])
        #expect(lane.outlet.stored.total == 7 && lane.outlet.deadLetters.total == 1)
        lane.arrived(flight)
        #expect(!lane.hasDocuments && lane.heldBytes == 0)
    }

    @Test("too many batches with documents that were turned back stop the reading")
    func bounded() {
        let lane = lane([])
        lane.allowanceBytes = 1 << 20
        var flights: [WorkerLane.Flight] = []
        while !lane.isFull {
            var flight = lane.depart()
            lane.turnedBack(&flight, BulkRemainder(waiting: [], bytes: 0, counts: BulkCounts())) { _, _ in }
            flights.append(flight)
        }
        #expect(flights.count == 256)
        lane.arrived(flights[0])
        #expect(!lane.isFull)
    }
}
