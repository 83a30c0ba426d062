import Common
import Testing

@testable import APMServer

@Suite("Intake body decoder")
struct BodyDecoderTests {
    private static let text = Array(String(repeating: "{\"metadata\":{}}\n", count: 5000).utf8)

    private static func packed(_ format: DeflateFormat, _ bytes: [UInt8] = text) -> [UInt8] {
        var output = ByteBuffer()
        DeflateCompressor(level: 6).compress(bytes.span.bytes, as: format, into: &output)
        return output.array
    }

    /// A body with a name, which is all that a test's report shows of it.
    struct Body: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]

        init(_ name: String, _ bytes: some Sequence<UInt8>) {
            testDescription = name
            self.bytes = Array(bytes)
        }

        static let gzip = Body("gzip", packed(.gzip))
        static let zlib = Body("zlib", packed(.zlib))
        static let plain = Body("plain", text)
    }

    /// Everything that comes out when the body arrives in pieces of `step` bytes.
    private func decoded(
        _ body: [UInt8],
        _ encoding: String?,
        step: Int = .max,
        maxBytes: Int = 1 << 20
    ) throws -> [UInt8] {
        var decoder = BodyDecoder(contentEncoding: encoding, maxBytes: maxBytes)
        var output = ByteBuffer()
        var start = 0
        while start < body.count {
            let piece = Array(body[start..<min(body.count, start + min(step, body.count))])
            start += piece.count
            var offset = 0
            var turns = 0
            while offset < piece.count {
                _ = try decoder.decode(piece.span.bytes, at: &offset, into: &output, maxOutput: 1000)
                turns += 1
                try #require(turns < 100_000)
            }
        }
        try decoder.finish(into: &output)
        return output.array
    }

    @Test(
        "decodes, whole and byte by byte",
        arguments: [
            ("gzip", .gzip), ("deflate", .zlib), (nil, .gzip), (nil, .zlib), (nil, .plain),
            ("identity", .plain),
            ("br", .plain),
        ] as [(String?, Body)]
    )
    func decodes(encoding: String?, body: Body) throws {
        for step in [Int.max, 1, 7] {
            #expect(try decoded(body.bytes, encoding, step: step) == Self.text)
        }
    }

    @Test("takes short plain bodies, joined gzip members, and nothing at all")
    func odd() throws {
        #expect(try decoded(Array("x".utf8), nil) == Array("x".utf8))
        #expect(try decoded(Array("{}".utf8), nil, step: 1) == Array("{}".utf8))
        #expect(try decoded([], "gzip") == [])
        let two = Self.packed(.gzip) + Self.packed(.gzip)
        #expect(try decoded(two, "gzip", step: 11) == Self.text + Self.text)
    }

    @Test(
        "refuses",
        arguments: [
            ("gzip", Body("text", Array("{\"metadata\"".utf8)), "data decoding error: gzip: invalid header"),
            ("gzip", .zlib, "data decoding error: gzip: invalid header"),
            ("deflate", .gzip, "data decoding error: zlib: invalid header"),
            ("gzip", Body("one byte", [0x1F]), "data decoding error: gzip: invalid header"),
            ("gzip", Body("cut", packed(.gzip).dropLast(20)), "data decoding error: unexpected EOF"),
            (
                "gzip", Body("damaged", packed(.gzip).prefix(30) + [UInt8](repeating: 0xFF, count: 6)),
                "data decoding error: gzip: invalid data"
            ),
            (nil, Body("xxx", Array("xxx".utf8)), "data decoding error: zlib: invalid header"),
            ("deflate", Body("xxx", Array("xxx".utf8)), "data decoding error: zlib: invalid header"),
            (nil, Body("without checksum", packed(.zlib).dropLast(4)), "data decoding error: unexpected EOF"),
        ] as [(String?, Body, String)]
    )
    func refuses(encoding: String?, body: Body, message: String) {
        for step in [Int.max, 1] {
            let error = #expect(throws: IntakeError.self) { try decoded(body.bytes, encoding, step: step) }
            #expect(error?.message == message && error?.status == 400)
        }
    }

    @Test("lets out no more than allowed", arguments: [nil, "gzip"] as [String?])
    func bomb(encoding: String?) {
        let bomb = Self.packed(.gzip, [UInt8](repeating: 0x20, count: 10 << 20))
        for body in encoding == nil ? [bomb, [UInt8](repeating: 0x20, count: 2 << 20)] : [bomb] {
            let error = #expect(throws: IntakeError.self) { try decoded(body, encoding) }
            #expect(error?.message == "the body has more than 1048576 bytes")
        }
    }
}

@Suite("Intake line reader")
struct LineReaderTests {
    /// Lines as text, with `+` for a newline behind, `-` for none, `!` for cut.
    private func lines(_ text: String, step: Int, max: Int = 10) -> [String] {
        var reader = LineReader(maxLineBytes: max)
        var found: [String] = []
        func take(_ line: RawSpan, _ shape: LineReader.Line) -> Bool {
            let mark = (shape.isCut ? "!" : "") + (shape.hasNewline ? "+" : "-")
            found.append(line.text(0..<line.byteCount) + mark)
            return true
        }
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(bytes.count, start + step)])
            start += piece.count
            var offset = 0
            reader.feed(piece.span.bytes, from: &offset) { take($0, $1) }
            #expect(offset == piece.count)
        }
        reader.finish { take($0, $1) }
        return found
    }

    @Test(
        "cuts at every split",
        arguments: [
            ("a\nbc\n\nd", ["a+", "bc+", "+", "d-"]),
            ("", []),
            ("\n", ["+"]),
            ("123456789\nx\n", ["123456789+", "x+"]),
            ("1234567890\nx\n", ["1234567890!+", "x+"]),
            ("1234567890abcdef\nx", ["1234567890!+", "x-"]),
            ("1234567890", ["1234567890-"]),
            ("1234567890a", ["1234567890!-"]),
            ("12345678901234567890123456789\n\nok\n", ["1234567890!+", "+", "ok+"]),
        ] as [(String, [String])]
    )
    func cuts(text: String, expected: [String]) {
        for step in 1...max(1, text.utf8.count) { #expect(lines(text, step: step) == expected) }
    }
}

@Suite("Intake answer")
struct IntakeAnswerTests {
    private func text(_ answer: IntakeAnswer, isVerbose: Bool = false) -> String {
        String(decoding: answer.body(isVerbose: isVerbose), as: UTF8.self)
    }

    @Test("is empty or counts when all went well")
    func success() {
        var answer = IntakeAnswer()
        answer.accepted = 3
        #expect(
            answer.status == 202 && text(answer) == "" && text(answer, isVerbose: true) == #"{"accepted":3}"#
        )
    }

    @Test("lists five lines and one end, with the highest status")
    func errors() {
        var answer = IntakeAnswer()
        answer.accepted = 1
        for number in 0..<7 {
            answer.add(
                IntakeError(.decode, "bad \(number)"),
                document: Array("\"\(number)\u{1}".utf8).span.bytes
            )
        }
        answer.end(IntakeError(status: 503, .queueFull, "full"))
        answer.end(IntakeError(status: 429, .rateLimit, "later"))
        let entries = (0..<5).map { #"{"message":"bad \#($0)","document":"\"\#($0)\u0001"}"# }
        #expect(answer.status == 503)
        #expect(
            text(answer)
                == #"{"accepted":1,"errors":[\#(entries.joined(separator: ",")),{"message":"full"}]}"#
        )
    }
}
