import Common
import Testing

@testable import APMServer

@Suite("Roll-up table")
struct RollUpTableTests {
    private let hash = KeyedHash(key: 7, 9)

    private func fill(_ limits: RollUpLimits = .small(), _ body: (RollUpTables) -> Void) throws -> RollUpTable
    {
        let tables = RollUpTables(limits: limits, hash: hash)
        body(tables)
        return try #require(tables.take())
    }

    /// What is in a table, whatever the order.
    private func content(_ table: RollUpTable) -> Set<String> {
        let cells = table.cells.sorted()
        return Set(
            table.groups.enumerated().map { row, group in
                let key = table.keys.withSpan { $0.text(group.key) }
                let durations = cells.filter { $0.group == row }.map { "\($0.bucket)=\($0.weight)" }
                let sketch = group.isOverflow ? String(table.sketches[group.sketch].estimate) : "-"
                return "\(group.kind.name) \(group.time) \(key) \(group.top) \(group.inner) \(group.first) "
                    + "\(group.second) \(sketch) \(durations)"
            }
        )
    }

    @Test("two tables merged are one that saw everything, at the longer interval")
    func merge() throws {
        func story(_ tables: RollUpTables, _ numbers: Range<Int>) {
            for number in numbers {
                var event = TestEvent()
                event.service = #""service":{"name":"s\#(number % 3)"}"#
                event.transaction = #""name":"\#(number % 17)""#
                event.minute += Int64(number % 5) * 60
                event.microseconds = Int64(number * number)
                event.outcome = number % 4 == 0 ? .failure : .success
                event.transaction(tables)
                event.serviceTransaction(tables)
                event.destination(
                    tables,
                    top: event.service,
                    span: "",
                    destination: #""resource":"\#(number % 7)""#
                )
                event.summary(tables)
            }
        }
        let limits = RollUpLimits.small(services: 2, transactions: 400)
        let interval = RollUpInterval.minute
        // Workers without limits: which groups find no room depends on which come first.
        let whole = RollUpTable(limits: limits, hash: hash)
        whole.merge(try fill { story($0, 0..<2000) }, interval: interval)
        let merged = RollUpTable(limits: limits, hash: hash)
        merged.merge(try fill { story($0, 0..<1000) }, interval: interval)
        merged.merge(try fill { story($0, 1000..<2000) }, interval: interval)
        #expect(content(merged) == content(whole))
        #expect(whole.lostGroups(.transaction) > 0)

        let hour = RollUpTable(limits: .small(), hash: hash)
        hour.merge(try fill { story($0, 0..<2000) }, interval: .hour)
        // 3 services with 17 names each, both coprime: every pair occurs; all within one hour.
        #expect(hour.counts[Int(RollUpKind.transaction.rawValue)] == 51)
        #expect(hour.counts[Int(RollUpKind.serviceSummary.rawValue)] == 3)
        #expect(hour.groups.allSatisfy { $0.time == 1_136_214_000 })
    }

    @Test("one service has a tenth of the groups, and the others the rest")
    func perService() throws {
        let table = try fill(.small(transactions: 100)) { tables in
            var event = TestEvent()
            for number in 0..<50 {
                event.transaction = #""name":"\#(number)""#
                event.transaction(tables)
            }
            event.service = #""service":{"name":"quiet"}"#
            event.transaction(tables)
        }
        #expect(table.counts[Int(RollUpKind.transaction.rawValue)] == 11)
        #expect(abs(table.lostGroups(.transaction) - 40) <= 2)
    }

    @Test("more services than allowed share one overflow group, and no memory beyond")
    func manyServices() throws {
        let table = try fill(.small(services: 10)) { tables in
            for number in 0..<5000 {
                var event = TestEvent()
                event.service = #""service":{"name":"\#(number)"}"#
                event.summary(tables)
                event.transaction(tables)
            }
        }
        #expect(table.groups.count == 22)
        #expect(abs(table.lostGroups(.serviceSummary) - 4990) < 500)
        #expect(table.keys.count < 4096)
    }

    @Test("keys have a bound in bytes, too")
    func longKeys() throws {
        let limits = RollUpLimits(maxServices: 1, maxGroups: [.transaction: 100])
        let table = try fill(limits) { tables in
            for number in 0..<50 {
                var event = TestEvent()
                event.transaction = #""name":"\#(number)\#(String(repeating: "x", count: 20_000))""#
                event.transaction(tables)
            }
        }
        #expect(table.keys.count <= limits.maxKeyBytes + 1024)
        #expect(table.counts[0] == 5)
        #expect(abs(table.lostGroups(.transaction) - 45) <= 2)
    }

    @Test("histograms get coarse, not large, when there are too many durations")
    func cells() {
        var cells = HistogramCells(maxCount: 10)
        for group in 0..<2 {
            for bucket in 0..<UInt16(DurationBuckets.count) {
                cells.add(group: group, bucket: bucket, weight: 1)
            }
        }
        #expect(cells.count <= 10 + 2 * 26)
        var total: Int64 = 0
        cells.forEach { total += $0.weight }
        #expect(total == Int64(2 * DurationBuckets.count))
        #expect(cells.sorted().map(\.key) == cells.sorted().map(\.key).sorted())
    }

    @Test("numbers that senders choose do not overflow")
    func saturation() throws {
        let table = try fill { tables in
            var event = TestEvent()
            event.weight = .max
            event.microseconds = 1
            event.destination(tables, top: event.service, span: "", destination: "", times: 3)
            event.transaction(tables, times: 3)
        }
        #expect(table.groups.map(\.first) == [.max, .max])
        #expect(table.cells.sorted().map(\.weight) == [.max])
    }

    @Test("what was taken is not there any more")
    func take() {
        let tables = RollUpTables()
        #expect(tables.take() == nil)
        TestEvent().transaction(tables)
        #expect(tables.take()?.groups.count == 1)
        #expect(tables.take() == nil)
    }
}
