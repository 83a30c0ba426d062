import Common
import Testing

@Suite("Lumberjack frame header")
struct LumberjackFrameTests {
    static let headers: [(String, [UInt8], LumberjackFrame)] = [
        ("window of two", [0x32, 0x57, 0, 0, 0, 2], .window(count: 2)),
        ("ack of event seven", [0x32, 0x41, 0, 0, 0, 7], .ack(sequence: 7)),
        ("keep-alive", [0x32, 0x41, 0, 0, 0, 0], .ack(sequence: 0)),
        ("compressed", [0x32, 0x43, 0, 1, 0, 0], .compressed(length: 65_536)),
        ("event", [0x32, 0x4A, 0, 0, 0, 1, 0, 0, 0, 15], .json(sequence: 1, length: 15)),
        (
            "pairs", [0x32, 0x44, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0],
            .pairs(sequence: .max, count: 1 << 31)
        ),
    ]

    @Test("decodes", arguments: headers)
    func decodes(_ name: String, bytes: [UInt8], expected: LumberjackFrame) throws {
        let shifted = [9, 9, 9] + bytes
        let header = try #require(try LumberjackFrame.header(in: shifted.span.bytes, at: 3))
        #expect(header.frame == expected)
        #expect(header.next == shifted.count)
    }

    @Test("waits for the rest at every split point", arguments: headers)
    func waits(_ name: String, bytes: [UInt8], expected: LumberjackFrame) throws {
        for cut in bytes.indices {
            let part = Array(bytes[..<cut])
            #expect(try LumberjackFrame.header(in: part.span.bytes, at: 0) == nil)
        }
    }

    @Test(
        "refuses",
        arguments: [
            ([0x31], .version(0x31)), ([0x16, 3, 1], .version(0x16)), ([0x32, 0x58], .type(0x58)),
            ([0x32, 0x6A], .type(0x6A)),
        ] as [([UInt8], LumberjackError)]
    )
    func refuses(_ bytes: [UInt8], error: LumberjackError) {
        #expect(throws: error) { _ = try LumberjackFrame.header(in: bytes.span.bytes, at: 0) }
    }
}
