import Common
import Testing

@testable import APMServer

@Suite("OTLP requests that are none")
struct OTLPHostileTests {
    private func error(_ signal: OTLPSignal, _ format: OTLPFormat, _ body: [UInt8]) -> OTLPError? {
        do throws(OTLPError) {
            _ = try OTLPTranslator().translate(signal, format, body.span.bytes) { _, _ in
                Issue.record("a line of a request that is refused")
            }
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "protobuf",
        arguments: [
            ([0x0A], .protobuf(.init(.unexpectedEnd, at: 1))),
            ([0x0A, 0x7F, 0x00], .protobuf(.init(.unexpectedEnd, at: 1))),
            // resourceSpans as a varint; in it, scopeSpans as four bytes.
            ([0x08, 0x01], .fieldType(.exportTraces, number: 1, offset: 1)),
            ([0x0A, 0x05, 0x15, 1, 2, 3, 4], .fieldType(.resourceSpans, number: 2, offset: 3)),
        ] as [([UInt8], OTLPError)]
    )
    func protobuf(bytes: [UInt8], expected: OTLPError) {
        #expect(error(.traces, .protobuf, bytes) == expected)
    }

    @Test(
        "JSON",
        arguments: [
            ("", "not JSON: text ends inside a value at byte 0"),
            ("[]", "not JSON: unexpected byte at byte 0"),
            ("{} x", "not JSON: unexpected byte at byte 3"),
            (#"{"resourceSpans":3}"#, "not JSON: unexpected byte at byte 17"),
            (#"{"resourceSpans":[[{}]]}"#, "not JSON: unexpected byte at byte 18"),
            (OTLPRequest.span(#""name":3"#), "wrong value for name"),
            (OTLPRequest.span(#""traceId":"xy""#), "wrong value for traceId"),
            (OTLPRequest.span(#""traceId":"abc""#), "wrong value for traceId"),
            (OTLPRequest.span(#""startTimeUnixNano":"1.5""#), "wrong value for startTimeUnixNano"),
            (
                OTLPRequest.span(#""startTimeUnixNano":"18446744073709551616""#),
                "wrong value for startTimeUnixNano"
            ),
            (OTLPRequest.span(#""kind":"SPAN_KIND_OTHER""#), "wrong value for kind"),
            (OTLPRequest.span(#""attributes":[{"value":{"boolValue":1}}]"#), "wrong value for boolValue"),
            (
                OTLPRequest.span(#""attributes":[{"value":{"doubleValue":"x"}}]"#),
                "wrong value for doubleValue"
            ),
            (OTLPRequest.span(#""attributes":[{"value":{"bytesValue":"A"}}]"#), "wrong value for bytesValue"),
            (
                OTLPRequest.span(#""attributes":[{"value":{"bytesValue":"?!"}}]"#),
                "wrong value for bytesValue"
            ),
        ]
    )
    func json(text: String, expected: String) {
        let error = error(.traces, .json, Array(text.utf8))
        #expect(error?.description.hasPrefix(expected) == true, "\(String(describing: error))")
    }

    /// A value in lists, each list in another.
    private static func nested(_ depth: Int) -> [UInt8] {
        let open = String(repeating: #""arrayValue":{"values":[{"#, count: depth)
        let close = String(repeating: "}]}", count: depth)
        return Array(OTLPRequest.span(#""attributes":[{"key":"k","value":{\#(open)\#(close)}}]"#).utf8)
    }

    @Test("nesting is taken up to a depth, in both encodings")
    func depth() throws {
        #expect(try OTLPTranslation(.traces, .json, Self.nested(20)).tally.items == 1)
        guard case .tooDeep = error(.traces, .json, Self.nested(40)) else {
            Issue.record("deep JSON was taken")
            return
        }
        // From the inside out: values of lists in values …, then attribute, span, scope, resource.
        var message: [UInt8] = []
        for level in 0..<200 { message = Self.wrapped(level % 2 == 0 ? 1 : 5, message) }
        for field in [2, 9, 2, 2, 1] { message = Self.wrapped(field, message) }
        guard case .tooDeep = error(.traces, .protobuf, message) else {
            Issue.record("deep protobuf was taken")
            return
        }
    }

    private static func wrapped(_ field: Int, _ message: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(protobufTag: field, .bytes)
        buffer.append(varint: UInt64(message.count))
        buffer.append(message)
        return buffer.array
    }

    @Test(
        "cuts and mutations of recorded requests do no harm",
        arguments: OTLPFixture.names
    )
    func mutations(name: String, signal: OTLPSignal) throws {
        let translator = OTLPTranslator()
        var random = SeededGenerator(state: 0x0B1E_55ED)
        for format in [OTLPFormat.protobuf, .json] {
            let body = try OTLPFixture.bytes(name, signal, format)
            var taken = 0
            func run(_ bytes: [UInt8]) {
                do throws(OTLPError) {
                    _ = try translator.translate(signal, format, bytes.span.bytes) { _, line in
                        // Whatever was sent, a line is JSON.
                        var reader = JSONReader()
                        do throws(JSONError) {
                            _ = try reader.value(line)
                            try reader.end(line)
                        } catch {
                            Issue.record("\(error): \(line.text(0..<line.byteCount))")
                        }
                    }
                    taken += 1
                } catch {}
            }
            for length in stride(from: 0, to: body.count, by: max(body.count / 800, 1)) {
                run(Array(body.prefix(length)))
            }
            for _ in 0..<400 {
                var bytes = body
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                        in: 0...255,
                        using: &random
                    )
                }
                run(bytes)
            }
            #expect(taken > 0)
        }
    }
}

/// Reproducible chance.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
