import Common
import Testing

@testable import APMServer

@Suite("Tail record")
struct TailRecordTests {
    private var bytes: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.append("before" as StaticString)
        let lines = Array("{\"create\":{}}\n{}\n".utf8)
        TailRecord.append(
            .keptRoot,
            time: 1_700_000_000,
            trace: TraceKey(low: 1, high: .max),
            lines: lines.span.bytes,
            to: &bytes
        )
        return bytes
    }

    @Test("reads what was written")
    func roundTrip() throws {
        try bytes.withSpan { span in
            let found = TailRecord.read(span, at: 6)
            let record = try #require(found)
            #expect(record.kind == .keptRoot && record.time == 1_700_000_000)
            #expect(record.trace == TraceKey(low: 1, high: .max))
            #expect(span.text(record.lines) == "{\"create\":{}}\n{}\n")
            #expect(record.end == span.byteCount)
        }
    }

    @Test("reads nothing that is cut or changed")
    func damage() {
        let whole = bytes.array
        for length in 6..<whole.count {
            let cut = TailRecord.read(Array(whole[..<length]).span.bytes, at: 6)
            #expect(cut == nil)
        }
        for index in 6..<whole.count {
            var changed = whole
            changed[index] ^= 0x40
            let read = TailRecord.read(changed.span.bytes, at: 6)
            #expect(read == nil)
        }
    }
}
