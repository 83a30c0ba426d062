import Testing

@testable import Common

@Suite("Protobuf reader")
struct ProtobufTests {
    /// `1:varint(150)` and so on, in order; the error's reason at the end if there is one.
    private func read(_ bytes: [UInt8]) -> String {
        var reader = ProtobufReader(0..<bytes.count)
        var fields: [String] = []
        do throws(ProtobufError) {
            while let field = try reader.next(bytes.span.bytes) {
                let value = field.type == .bytes ? "\(Array(bytes[field.range]))" : "\(field.bits)"
                fields.append("\(field.number):\(field.type)(\(value))")
            }
        } catch {
            fields.append("\(error.reason)@\(error.offset)")
        }
        return fields.joined(separator: " ")
    }

    @Test(
        "reads each wire type and trusts no length",
        arguments: [
            ([], ""),
            ([0x08, 0x96, 0x01], "1:varint(150)"),
            ([0x0A, 0x02, 0x41, 0x42, 0x08, 0x01], "1:bytes([65, 66]) 1:varint(1)"),
            ([0x0A, 0x00], "1:bytes([])"),
            ([0x09, 1, 0, 0, 0, 0, 0, 0, 0x80], "1:fixed64(9223372036854775809)"),
            ([0x0D, 1, 0, 0, 0x80], "1:fixed32(2147483649)"),
            // Padded varints are legal; the largest field number is 2^29 - 1.
            ([0x08, 0x81, 0x80, 0x80, 0x00], "1:varint(1)"),
            ([0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0x00], "536870911:varint(0)"),
            (
                [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                "1:varint(18446744073709551615)"
            ),
            ([0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], "badVarint@1"),
            ([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], "badVarint@1"),
            ([0x08], "unexpectedEnd@1"),
            ([0x08, 0x80], "unexpectedEnd@1"),
            ([0x0A, 0x01], "unexpectedEnd@1"),
            (
                [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00],
                "unexpectedEnd@1"
            ),
            ([0x09, 1, 2, 3, 4, 5, 6, 7], "unexpectedEnd@1"),
            ([0x0D, 1, 2, 3], "unexpectedEnd@1"),
            // Wire types 6 and 7, field 0, a field number of more than 29 bits.
            ([0x0E, 0x00], "badTag@0"),
            ([0x0F, 0x00], "badTag@0"),
            ([0x00, 0x00], "badTag@0"),
            ([0x88, 0x80, 0x80, 0x80, 0x10, 0x00], "badTag@0"),
            // Groups are stepped over with all that is in them.
            ([0x0B, 0x10, 0x05, 0x13, 0x14, 0x0C, 0x18, 0x07], "3:varint(7)"),
            ([0x0B, 0x10, 0x05], "unexpectedEnd@3"),
            ([0x0C], "unexpectedGroupEnd@0"),
        ] as [([UInt8], String)]
    )
    func fields(bytes: [UInt8], expected: String) { #expect(read(bytes) == expected) }

    @Test("reads a message that lies inside others")
    func inner() throws {
        let bytes: [UInt8] = [0xFF, 0x08, 0x05, 0xFF]
        var reader = ProtobufReader(1..<3)
        let field = try reader.next(bytes.span.bytes)
        #expect(field?.bits == 5)
        #expect(try reader.next(bytes.span.bytes) == nil)
    }

    @Test("numbers", arguments: [(0, 0), (1, -1), (2, 1), (.max, .min)] as [(UInt64, Int64)])
    func zigzag(bits: UInt64, expected: Int64) {
        #expect(ProtobufField(number: 1, type: .varint, bits: bits, range: 0..<0).zigzag == expected)
    }

    @Test("reads what is written, whatever its length")
    func writing() throws {
        for length in [0, 1, 127, 128, 20_000] {
            var buffer = ByteBuffer()
            let outer = buffer.openProtobuf(16)
            buffer.append(protobufString: String(repeating: "x", count: length), 1)
            buffer.append(protobufTag: 2, .varint)
            buffer.append(varint: UInt64(length) << 50)
            buffer.append(protobufTag: 3, .fixed64)
            buffer.append(protobufFixed64: 0x0102_0304_0506_0708)
            buffer.closeProtobuf(outer)
            let bytes = buffer.array
            var reader = ProtobufReader(0..<bytes.count)
            let message = try #require(try reader.next(bytes.span.bytes))
            #expect(message.number == 16)
            #expect(try reader.next(bytes.span.bytes) == nil)
            var inner = ProtobufReader(message.range)
            #expect(try inner.next(bytes.span.bytes)?.range.count == length)
            #expect(try inner.next(bytes.span.bytes)?.bits == UInt64(length) << 50)
            #expect(try inner.next(bytes.span.bytes)?.bits == 0x0102_0304_0506_0708)
            #expect(try inner.next(bytes.span.bytes) == nil)
        }
    }
}
