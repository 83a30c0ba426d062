import Common
import Testing

@Suite("Lumberjack encoder and acks")
struct LumberjackEncoderTests {
    @Test("the decoder hears what was encoded", arguments: [nil, 0, 1, 6, 12] as [Int?])
    func roundTrip(level: Int?) {
        var encoder = LumberjackEncoder(capacity: 64)
        var wire = ByteBuffer()
        let compressor = level.map { DeflateCompressor(level: $0) }
        // Two windows: numbers start again at 1, and nothing of the first is left.
        for count in [300, 2] {
            for index in 1...count {
                encoder.beginEvent()
                encoder.buffer.append("{\"message\":\"line \(index)\"}")
                encoder.endEvent()
                encoder.beginEvent()
                encoder.buffer.append("unfit")
                encoder.cancelEvent()
            }
            #expect(encoder.count == count)
            switch compressor {
            case .some(let compressor): encoder.finish(into: &wire, compressor: compressor)
            case .none: encoder.finish(into: &wire)
            }
            #expect(encoder.isEmpty == true)
            #expect(encoder.byteCount == 0)
            let events = (1...count).map { Heard.event(UInt32($0), "{\"message\":\"line \($0)\"}") }
            let heard = LumberjackStream.hear(wire.array)
            #expect(heard == [.started(count)] + events + [.complete(ack: UInt32(count), count: count)])
        }
    }

    @Test("writes the bytes of the protocol's example")
    func example() {
        var encoder = LumberjackEncoder()
        var wire = ByteBuffer()
        encoder.beginEvent()
        encoder.buffer.append("{\"msg\":\"hello\"}" as StaticString)
        encoder.endEvent()
        #expect(encoder.byteCount == 25)
        encoder.finish(into: &wire)
        #expect(
            wire.array == [0x32, 0x57, 0, 0, 0, 1, 0x32, 0x4A, 0, 0, 0, 1, 0, 0, 0, 15]
                + Array("{\"msg\":\"hello\"}".utf8)
        )
    }

    @Test("an empty window is a W alone", arguments: [false, true])
    func empty(isCompressed: Bool) {
        var encoder = LumberjackEncoder()
        var wire = ByteBuffer()
        let compressor = DeflateCompressor(level: 1)
        if isCompressed {
            encoder.finish(into: &wire, compressor: compressor)
        } else {
            encoder.finish(into: &wire)
        }
        #expect(wire.array == Frames.window(0))
    }

    /// Acks that a reader hears in `pieces`.
    private func acks(_ pieces: [ArraySlice<UInt8>]) throws(LumberjackError) -> [UInt32] {
        var reader = LumberjackAckReader()
        var sequences: [UInt32] = []
        for piece in pieces {
            let bytes = Array(piece)
            var offset = 0
            while let sequence = try reader.next(in: bytes.span.bytes, at: &offset) {
                sequences.append(sequence)
            }
        }
        return sequences
    }

    @Test("reads recorded acks and keep-alives at every split point")
    func readsAcks() throws {
        var buffer = ByteBuffer()
        buffer.append(try Fixture.bytes("lumberjack/wire-filebeat-acks.bin"))
        buffer.append(lumberjackAck: 0)
        buffer.append(lumberjackAck: .max)
        let bytes = buffer.array
        let expected: [UInt32] = [8, 1, 0, .max]
        #expect(try acks(bytes.indices.map { bytes[$0...$0] }) == expected)
        for cut in bytes.indices where try acks([bytes[..<cut], bytes[cut...]]) != expected {
            Issue.record("differs when cut at \(cut)")
        }
    }

    @Test(
        "refuses what is not an ack",
        arguments: [
            (Array("1A".utf8), .version(0x31)), (Array("2W".utf8), .type(0x57)),
            (Array("2A".utf8) + [0, 0, 0, 1, 0x33], .version(0x33)), (Array("HTTP/1.1".utf8), .version(0x48)),
        ] as [([UInt8], LumberjackError)]
    )
    func refusesAcks(_ bytes: [UInt8], error: LumberjackError) {
        #expect(throws: error) { try acks([bytes[...]]) }
    }
}
