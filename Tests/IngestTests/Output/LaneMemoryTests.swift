import Testing

@testable import Ingest

@Suite("Memory of lanes")
struct LaneMemoryTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let lanes: Int
        let others: [Int]
        let allowance: Int
        let reserve: Int
        var testDescription: String { what }
    }

    @Test(
        "leaves every lane its reserve, and the rest to whoever comes",
        arguments: [
            Row(what: "alone", lanes: 1, others: [], allowance: 8_000, reserve: 3_000),
            Row(what: "beside an idle one", lanes: 2, others: [0], allowance: 6_000, reserve: 2_000),
            Row(
                what: "beside one that holds a lot",
                lanes: 2,
                others: [5_000],
                allowance: 3_000,
                reserve: 2_000
            ),
            Row(
                what: "beside one that holds all",
                lanes: 2,
                others: [8_000],
                allowance: 2_000,
                reserve: 2_000
            ),
            Row(
                what: "beside one that holds too much",
                lanes: 2,
                others: [90_000],
                allowance: 2_000,
                reserve: 2_000
            ),
            Row(what: "of four", lanes: 4, others: [0, 4_000, 500], allowance: 2_000, reserve: 1_000),
            Row(
                what: "of forty",
                lanes: 40,
                others: Array(repeating: 0, count: 39),
                allowance: 4_100,
                reserve: 100
            ),
        ]
    )
    func allowance(_ row: Row) {
        let memory = LaneMemory(limitBytes: 8_000, batchBytes: 3_000, lanes: row.lanes)
        #expect(memory.reserveBytes == row.reserve)
        #expect(memory.allowance(others: row.others) == row.allowance)
    }
}

@Suite("Line of waiting connections")
struct WaitingLineTests {
    @Test("those that hold received bytes come first, the others in turn")
    func order() {
        var line = WaitingLine()
        for connection in 1...3 { line.append(UInt64(connection)) }
        line.putBack(9)
        var order: [UInt64] = []
        while let next = line.popFirst() { order.append(next) }
        #expect(order == [9, 1, 2, 3])
        #expect(line.isEmpty)
    }

    @Test("forgets those that have ended")
    func ended() {
        var line = WaitingLine()
        for connection in 1...200 { line.append(UInt64(connection)) }
        line.putBack(500)
        for _ in 0..<150 { _ = line.popFirst() }
        line.removeAll { $0 % 2 == 0 }
        #expect(line.count == 25)
        #expect(line.popFirst() == 151)
    }
}
