import Common
import Foundation
import Testing

@Suite("Lumberjack decoder")
struct LumberjackDecoderTests {
    typealias Row = (name: String, bytes: [UInt8], heard: [Heard])

    static let accepted: [Row] = [
        ("nothing", [], []),
        (
            "one plain event", Frames.window(1) + Frames.json(1, "{}"),
            [.started(1), .event(1, "{}"), .complete(ack: 1, count: 1)]
        ),
        ("an empty window", Frames.window(0), [.started(0), .complete(ack: 0, count: 0)]),
        (
            "numbers that go on over windows (pylogbeat)",
            Frames.window(2) + Frames.json(8, "{}") + Frames.json(9, "[]"),
            [.started(2), .event(8, "{}"), .event(9, "[]"), .complete(ack: 9, count: 2)]
        ),
        (
            "the highest number, not the last",
            Frames.window(2) + Frames.json(9, "{}") + Frames.json(8, "[]"),
            [.started(2), .event(9, "{}"), .event(8, "[]"), .complete(ack: 9, count: 2)]
        ),
        (
            "numbers that wrap around",
            Frames.window(2) + Frames.json(0xFFFF_FFFF, "{}") + Frames.json(0, "{}"),
            [.started(2), .event(.max, "{}"), .event(0, "{}"), .complete(ack: 0, count: 2)]
        ),
        (
            "compressed and plain frames in one window",
            Frames.window(4) + Frames.compressed(Frames.json(1, "{\"a\":1}") + Frames.json(2, "{}"))
                + Frames.json(3, "{}")
                + Frames.compressed(Frames.pairs(4, ["k", "v"])),
            [
                .started(4), .event(1, "{\"a\":1}"), .event(2, "{}"), .event(3, "{}"),
                .event(4, "{\"k\":\"v\"}"),
                .complete(ack: 4, count: 4),
            ]
        ),
        (
            "pairs become a JSON object",
            Frames.window(1) + Frames.pairs(5, ["line", "a \"b\"\n\u{1}", "", "é"]),
            [
                .started(1), .event(5, "{\"line\":\"a \\\"b\\\"\\n\\u0001\",\"\":\"é\"}"),
                .complete(ack: 5, count: 1),
            ]
        ),
        (
            "an empty C frame among events", Frames.window(1) + Frames.compressed([]) + Frames.json(1, "{}"),
            [.started(1), .event(1, "{}"), .complete(ack: 1, count: 1)]
        ),
    ]

    @Test("accepts", arguments: accepted)
    func accepts(_ row: Row) {
        #expect(LumberjackStream.hear(row.bytes) == row.heard, "\(row.name)")
    }

    static let oneStarted: [Heard] = [.started(1)]
    static let refused: [Row] = [
        ("version 1", Array("1W".utf8), [.refused(.version(0x31))]),
        ("TLS", [0x16, 3, 1], [.refused(.version(0x16))]),
        ("unknown type", Array("2X".utf8), [.refused(.type(0x58))]),
        (
            "an ack from a client", Frames.window(1) + Array("2A".utf8) + Frames.u32(1),
            oneStarted + [.refused(.type(0x41))]
        ),
        ("a huge window", Frames.window(20_001), [.refused(.window(count: 20_001, limit: 20_000))]),
        (
            "the hugest window", Frames.window(0xFFFF_FFFF),
            [.refused(.window(count: 0xFFFF_FFFF, limit: 20_000))]
        ),
        ("an event without a window", Frames.json(1, "{}"), [.refused(.eventOutsideWindow)]),
        (
            "a C frame without a window", Frames.compressed(Frames.json(1, "{}")),
            [.refused(.eventOutsideWindow)]
        ),
        (
            "a window inside a window", Frames.window(2) + Frames.json(1, "{}") + Frames.window(1),
            [.started(2), .event(1, "{}"), .refused(.windowIncomplete(received: 1, announced: 2))]
        ),
        (
            "one event too many in a C frame",
            Frames.window(1) + Frames.compressed(Frames.json(1, "{}") + Frames.json(2, "{}")),
            [.started(1), .event(1, "{}"), .complete(ack: 1, count: 1), .refused(.eventOutsideWindow)]
        ),
        (
            "an empty event", Frames.window(1) + Frames.json(7, ""),
            oneStarted + [.refused(.emptyEvent(sequence: 7))]
        ),
        (
            "a J frame above 16 MiB",
            Frames.window(1) + Array("2J".utf8) + Frames.u32(1) + Frames.u32(0x0100_0001),
            oneStarted + [.refused(.frame(lengthBytes: 0x0100_0001, limit: 0x0100_0000))]
        ),
        (
            "a C frame above 16 MiB", Frames.window(1) + Array("2C".utf8) + Frames.u32(0xFFFF_FFFF),
            oneStarted + [.refused(.frame(lengthBytes: 0xFFFF_FFFF, limit: 0x0100_0000))]
        ),
        ("no pairs", Frames.window(1) + Frames.pairs(1, []), oneStarted + [.refused(.pairs(count: 0))]),
        (
            "more pairs than fit",
            Frames.window(1) + Array("2D".utf8) + Frames.u32(1) + Frames.u32(0x7FFF_FFFF),
            oneStarted + [.refused(.pairs(count: 0x7FFF_FFFF))]
        ),
        (
            "a key above 16 MiB",
            Frames.window(1) + Array("2D".utf8) + Frames.u32(1) + Frames.u32(1) + Frames.u32(0xFFFF_FFF0),
            oneStarted + [.refused(.frame(lengthBytes: 0xFFFF_FFF4, limit: 0x0100_0000))]
        ),
        (
            "C inside C", Frames.window(1) + Frames.compressed(Frames.compressed(Frames.json(1, "{}"))),
            oneStarted + [.refused(.type(0x43))]
        ),
        (
            "W inside C", Frames.window(1) + Frames.compressed(Frames.window(1)),
            oneStarted + [.refused(.type(0x57))]
        ),
        (
            "C ends inside a header",
            Frames.window(1) + Frames.compressed(Array(Frames.json(1, "{}").prefix(9))),
            oneStarted + [.refused(.compressedEndsInsideFrame)]
        ),
        (
            "C ends inside an event",
            Frames.window(1) + Frames.compressed(Array(Frames.json(1, "{}").prefix(11))),
            oneStarted + [.refused(.compressedEndsInsideFrame)]
        ),
        (
            "C ends inside a pair",
            Frames.window(1) + Frames.compressed(Array(Frames.pairs(1, ["key", "value"]).dropLast())),
            oneStarted + [.refused(.compressedEndsInsideFrame)]
        ),
        (
            "C is not zlib", Frames.window(1) + Array("2C".utf8) + Frames.u32(4) + [1, 2, 3, 4],
            oneStarted + [.refused(.compressed(.corrupt))]
        ),
        (
            "C is empty", Frames.window(1) + Array("2C".utf8) + Frames.u32(0),
            oneStarted + [.refused(.compressed(.corrupt))]
        ),
    ]

    @Test("refuses", arguments: refused)
    func refuses(_ row: Row) {
        #expect(LumberjackStream.hear(row.bytes) == row.heard, "\(row.name)")
        // Byte by byte the answer is the same: no header is waited for that is already wrong.
        let pieces = row.bytes.indices.map { row.bytes[$0...$0] }
        #expect(LumberjackStream.hear(pieces) == row.heard, "\(row.name), byte by byte")
    }

    @Test("reads real captures", arguments: ["compressed-window", "pipelined-two-windows"])
    func readsCaptures(_ name: String) throws {
        let expected = try #require(try Fixture.json("lumberjack/\(name).expected.json") as? [String: Any])
        let windows = try #require(expected["windows"] as? [[String: Any]])
        let heard = LumberjackStream.hear(try Fixture.bytes("lumberjack/\(name).bin"))
        var rest = heard[...]
        for window in windows {
            #expect(rest.popFirst() == .started(try #require(window["window"] as? Int)))
            for event in try #require(window["events"] as? [[String: Any]]) {
                guard case .event(_, let json) = rest.popFirst() else {
                    Issue.record("an event is missing")
                    return
                }
                let decoded = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary
                #expect(decoded == event as NSDictionary)
            }
            guard case .complete(let ack, _) = rest.popFirst() else {
                Issue.record("a window does not end")
                return
            }
            #expect(Int(ack) == window["last_seq"] as? Int)
        }
        #expect(rest.isEmpty)
    }

    @Test(
        "acknowledges the sender's own numbers",
        arguments: [
            ("wire-pylogbeat.bin", [3, 4]), ("wire-filebeat-c0.bin", [8, 1]),
            ("wire-filebeat-c3.bin", [8, 1]),
        ] as [(String, [UInt32])]
    )
    func acksCaptures(_ name: String, acks: [UInt32]) throws {
        let heard = LumberjackStream.hear(try Fixture.bytes("lumberjack/\(name)"))
        let answered = heard.compactMap { step -> UInt32? in
            if case .complete(let ack, _) = step { ack } else { nil }
        }
        #expect(answered == acks)
    }

    @Test("hears pylogbeat's events as they were sent")
    func pylogbeat() throws {
        let heard = LumberjackStream.hear(try Fixture.bytes("lumberjack/wire-pylogbeat.bin"))
        let events = try heard.compactMap { step -> NSDictionary? in
            guard case .event(_, let json) = step else { return nil }
            return try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary
        }
        let sent = try #require(try Fixture.json("lumberjack/pylogbeat.json") as? NSArray)
        #expect(events as NSArray == sent)
    }

    static let streams: [(String, [UInt8])] =
        accepted.map { ($0.name, $0.bytes) }
        + [
            "wire-filebeat-c0.bin", "wire-filebeat-c3.bin", "wire-pylogbeat.bin", "compressed-window.bin",
            "pipelined-two-windows.bin",
        ].map { ($0, (try? Fixture.bytes("lumberjack/\($0)")) ?? []) }

    @Test("waits for the rest at every split point", arguments: streams)
    func splits(_ name: String, _ bytes: [UInt8]) {
        let whole = LumberjackStream.hear(bytes)
        #expect(whole.contains { if case .refused = $0 { true } else { false } } == false)
        let differing = bytes.indices.filter { LumberjackStream.hear([bytes[..<$0], bytes[$0...]]) != whole }
        #expect(differing == [])
        #expect(LumberjackStream.hear(bytes.indices.map { bytes[$0...$0] }) == whole)
    }

    @Test("refuses bombs before they cost memory")
    func bombs() {
        var limits = LumberjackLimits()
        limits.frameBytes = 1 << 20
        limits.inflatedBytes = 8 << 20
        let zeros = Frames.window(1) + Frames.compressed([UInt8](repeating: 0, count: 4 << 20), level: 9)
        #expect(
            LumberjackStream.hear(zeros, limits: limits).last
                == .refused(.compressed(.suspiciousRatio(limit: 400)))
        )
        limits.inflatedRatio = 2000
        let large = Frames.window(1) + Frames.compressed([UInt8](repeating: 0, count: 9 << 20), level: 9)
        var stream = LumberjackStream(limits: limits)
        stream.receive(large[...])
        #expect(stream.heard.last == .refused(.compressed(.tooLarge(limitBytes: 8 << 20))))
        #expect(stream.decoder.allocatedBytes <= 9 << 20)
    }

    @Test("takes one event of the allowed size, however repetitive")
    func repetitive() {
        let text = "\"" + String(repeating: " ", count: 10 << 20) + "\""
        let bytes = Frames.window(1) + Frames.compressed(Frames.json(1, text), level: 6)
        #expect(bytes.count < text.utf8.count / 400)
        #expect(LumberjackStream.hear(bytes).last == .complete(ack: 1, count: 1))
    }

    @Test("an error is final")
    func errorIsFinal() {
        var stream = LumberjackStream()
        stream.receive(Array("X".utf8)[...])
        var offset = 0
        let good = Frames.window(1)
        #expect(throws: LumberjackError.version(0x58)) {
            _ = try stream.decoder.next(in: good.span.bytes, at: &offset)
        }
    }

    @Test("survives seeded garbage and damaged captures")
    func garbage() throws {
        var random = SeededGenerator(seed: 42)
        let capture = try Fixture.bytes("lumberjack/wire-filebeat-c3.bin")
        let plain = try Fixture.bytes("lumberjack/wire-filebeat-c0.bin")
        for round in 0..<3000 {
            var bytes = round % 3 == 0 ? capture : plain
            if round % 3 == 2 {
                bytes = (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            }
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(
                    in: .min ... .max,
                    using: &random
                )
            }
            if round % 3 == 2 {
                bytes = Frames.window(3) + Array("2".utf8) + [Array("JDCWA".utf8)[round % 5]] + bytes
            }
            let cut = Int.random(in: bytes.indices, using: &random)
            #expect(LumberjackStream.hear([bytes[..<cut], bytes[cut...]]) == LumberjackStream.hear(bytes))
        }
    }

    @Test("lends its inflate buffer only between C frames")
    func lends() throws {
        var decoder = LumberjackDecoder()
        var shared = ByteBuffer(capacity: 1 << 16)
        let bytes = Frames.window(2) + Frames.compressed(Frames.json(1, "{}") + Frames.json(2, "{}"))
        let isLent = decoder.exchangeInflateBuffer(with: &shared)
        #expect(isLent)
        #expect(decoder.allocatedBytes >= 1 << 16)
        var offset = 0
        _ = try decoder.next(in: bytes.span.bytes, at: &offset)
        _ = try decoder.next(in: bytes.span.bytes, at: &offset)
        let isTakenAway = decoder.exchangeInflateBuffer(with: &shared)
        #expect(!isTakenAway)
        for _ in 0..<3 { _ = try decoder.next(in: bytes.span.bytes, at: &offset) }
        let isReturned = decoder.exchangeInflateBuffer(with: &shared)
        #expect(isReturned)
        #expect(shared.capacity >= 1 << 16)
    }
}

/// Repeatable randomness (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
