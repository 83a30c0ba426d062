import Common
import Testing

@testable import Shipper

@Suite struct SendWindowTests {
    private func window(_ counts: [UInt32], sent: Int, limit: Int = 2) -> SendWindow {
        var window = SendWindow(limit: limit)
        for (index, count) in counts.enumerated() { window.append(SendWindow.ID(index + 1), count: count) }
        for _ in 0..<sent { window.written() }
        return window
    }

    @Test("windows are stored in order, each by its own ack")
    func inOrder() {
        var window = window([3, 5], sent: 2)
        #expect(window.isFull)
        #expect(window.acknowledged(3) == .stored(1))
        #expect(window.acknowledged(5) == .stored(2))
        #expect(window.isEmpty)
    }

    @Test("keep-alives and partial acks only say that the receiver works")
    func partial() {
        var window = window([100], sent: 1)
        for sequence: UInt32 in [0, 1, 50, 99, 0, 20] { #expect(window.acknowledged(sequence) == .wait) }
        #expect(window.acknowledged(100) == .stored(1))
    }

    @Test(
        "acks of what was never sent deliver nothing",
        arguments: [
            ([], 0, 1), ([3], 0, 3), ([3], 1, 4), ([3, 9], 1, 9), ([3], 1, UInt32.max),
        ] as [([UInt32], Int, UInt32)]
    )
    func protocolErrors(_ counts: [UInt32], sent: Int, ack: UInt32) {
        var window = window(counts, sent: sent)
        #expect(window.acknowledged(ack) == .protocolError)
        #expect(window.outstanding == counts.count)
    }

    @Test(
        "a lost connection has no windows, and tells how many the peer may have seen",
        arguments: [
            ([3, 5, 7], 2, false, 2), ([3, 5, 7], 2, true, 3), ([3], 0, true, 1), ([], 0, false, 0),
        ]
            as [([UInt32], Int, Bool, Int)]
    )
    func disconnected(_ counts: [UInt32], sent: Int, isBegun: Bool, seen: Int) {
        var window = window(counts, sent: sent, limit: 3)
        if sent > 0 { #expect(window.acknowledged(2) == .wait) }
        #expect(window.disconnected(isBegun: isBegun) == seen)
        #expect(window.isEmpty)
        #expect(window.nextToSend == nil)
        // What comes on the next connection has nothing to do with it: partial acks are forgotten.
        window.append(9, count: 3)
        #expect(window.acknowledged(3) == .protocolError)
        window.written()
        #expect(window.acknowledged(2) == .wait)
        #expect(window.acknowledged(3) == .stored(9))
    }

    @Test("what a real receiver answered to windows of eight and one, at every split")
    func recorded() throws {
        let bytes = try Fixture.bytes("lumberjack/wire-filebeat-acks.bin")
        for split in 0...bytes.count {
            var window = window([8, 1], sent: 2)
            var reader = LumberjackAckReader()
            var steps: [SendWindow.Step] = []
            for part in [Array(bytes[..<split]), Array(bytes[split...])] {
                var offset = 0
                while let sequence = try reader.next(in: part.span.bytes, at: &offset) {
                    steps.append(window.acknowledged(sequence))
                }
            }
            #expect(steps == [.stored(1), .stored(2)])
        }
    }

    @Test(
        "what a receiver answers to the windows of a real Filebeat, two in flight",
        arguments: ["compressed-window", "pipelined-two-windows"]
    )
    func pipelined(_ name: String) throws {
        let expected = try #require(try Fixture.json("lumberjack/\(name).expected.json") as? [String: Any])
        let counts = try #require(expected["windows"] as? [[String: Any]]).compactMap { $0["window"] as? Int }
        let acks = try #require(expected["acks_expected_in_order"] as? [Int])
        var window = SendWindow(limit: 2)
        var waiting = counts.enumerated().makeIterator()
        for (index, ack) in acks.enumerated() {
            while !window.isFull, let (next, count) = waiting.next() {
                window.append(SendWindow.ID(next), count: UInt32(count))
                window.written()
            }
            // A keep-alive between acks changes nothing.
            #expect(window.acknowledged(0) == .wait)
            #expect(window.acknowledged(UInt32(ack)) == .stored(SendWindow.ID(index)))
        }
        #expect(window.isEmpty)
        #expect(acks.count == counts.count)
    }

    @Test(
        "hosts",
        arguments: [
            ("ingest:5044", "ingest", 5044), ("10.0.0.1:1", "10.0.0.1", 1), ("[::1]:6000", "::1", 6000),
            ("ingest", "ingest", 5044), ("[::1]", "::1", 5044),
        ]
    )
    func hosts(_ text: String, name: String, port: Int) {
        #expect(LumberjackClient.Host(text: text) == LumberjackClient.Host(name: name, port: port))
    }

    @Test(
        "wrong hosts",
        arguments: ["", ":5044", "a:", "a:0", "a:65536", "::1", "http://a:5044", "[::1", "a b:1"]
    )
    func wrongHosts(_ text: String) { #expect(LumberjackClient.Host(text: text) == nil) }
}
