import Testing

@testable import Ingest

@Suite("Filter sample")
struct SampleFilterTests {
    private func kept(_ options: String, _ events: [String]) throws -> [Bool] {
        let harness = try FilterHarness("- sample: {\(options)}")
        return try events.map { try !harness.run($0).isEmpty }
    }

    private let lines = (0..<2000).map { #"{"message":"line","log":{"offset":\#($0),"file":{"path":"/a"}}}"# }

    @Test("keeps about the share that is asked for, and the same events again")
    func share() throws {
        let first = try kept("rate: 0.25", lines)
        // Eight standard deviations of a fair choice.
        #expect(abs(first.count { $0 } - 500) < 155)
        #expect(try kept("rate: 25%", lines) == first)
        #expect(try !kept("rate: 0", lines).contains(true) && !kept("rate: 1", lines).contains(false))
    }

    @Test("what is kept at a low rate is kept at a higher one")
    func nested() throws {
        let (low, high) = (try kept("rate: 0.1", lines), try kept("rate: 0.5", lines))
        #expect(zip(low, high).allSatisfy { !$0 || $1 })
    }

    @Test("keeps or drops together what has the same key")
    func key() throws {
        let events = (0..<400).map { #"{"trace":{"id":"\#($0 / 4)"},"message":"\#($0)"}"# }
        let result = try kept("rate: 0.5, key: \"%{trace.id}\"", events)
        #expect(
            (0..<100).allSatisfy { Set(result[$0 * 4..<$0 * 4 + 4]).count == 1 } && Set(result).count == 2
        )
        // Without the field each event is on its own.
        #expect(Set(try kept("rate: 0.5, key: \"%{none}\"", lines)).count == 2)
    }

    @Test(
        "complains",
        arguments: [
            ("- sample: {}", "missing"), ("- sample: {rate: 1.5}", "is no share"),
            ("- sample: {rate: half}", "is no share"), ("- sample: {rate: nan}", "is no share"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        #expect(FilterHarness.complaints(filters).contains(expected))
    }
}
