import Testing

@testable import Common

@Suite("Regular expression")
struct RegularExpressionTests {
    @Test("leaves the groups as offsets into the whole text")
    func findsGroups() throws {
        let expression = try RegularExpression(#"(\w+)=(?:(\d+)|(x))"#)
        let match = RegularExpressionMatch(captures: expression.captureCount)
        let bytes = Array("a=1 key=x".utf8)
        #expect(expression.firstMatch(in: bytes, 2..<bytes.count, into: match))
        #expect(match[0] == 4..<9)
        #expect(match[1] == 4..<7)
        #expect(match[2] == nil)
        #expect(match[3] == 8..<9)
        #expect(match[4] == nil)
        #expect(match[-1] == nil)
        #expect(!expression.firstMatch(in: bytes, 3..<4, into: match))
        #expect(match[0] == nil)
    }

    @Test(
        "searches bytes, whatever they are",
        arguments: [([] as [UInt8], true), ([0xFF, 0x00], true), ([0xC3], true)]
    )
    func searchesBytes(_ bytes: [UInt8], isFound: Bool) throws {
        let expression = try RegularExpression("^.{0,2}$")
        let match = RegularExpressionMatch(captures: 0)
        #expect(expression.firstMatch(in: bytes, 0..<bytes.count, into: match) == isFound)
        #expect(match[0] == 0..<bytes.count)
    }

    @Test("folds case only when asked")
    func foldsCase() throws {
        let bytes = Array("ABC".utf8)
        let match = RegularExpressionMatch(captures: 0)
        #expect(
            try RegularExpression("b", ignoreCase: true).firstMatch(in: bytes, 0..<3, into: match)
        )
        #expect(try !RegularExpression("b").firstMatch(in: bytes, 0..<3, into: match))
    }

    @Test(
        "says where a pattern is wrong",
        arguments: [("a(b", 3), ("[z-a]", 3), ("(*UTF)a", 6), ("a{2}{", 0)]
    )
    func refuses(_ pattern: String, offset: Int) {
        do {
            _ = try RegularExpression(pattern)
            #expect(offset == 0)
        } catch {
            #expect(error.offset == offset)
            #expect(!error.reason.isEmpty)
        }
    }

    @Test(
        "changes the meaning of a pattern when asked",
        arguments: [
            ("a.b", [], "a\nb", false), ("a.b", .dotMatchesNewline, "a\nb", true),
            ("^b", [], "a\nb", false), ("^b", .anchorsMatchLines, "a\nb", true),
            ("^.$", [], "é", false), ("^.$", .characters, "é", true), ("^[é]$", .characters, "é", true),
        ] as [(String, RegularExpression.Options, String, Bool)]
    )
    func hasOptions(_ pattern: String, options: RegularExpression.Options, text: String, isFound: Bool) throws
    {
        let bytes = Array(text.utf8)
        let match = RegularExpressionMatch(captures: 0)
        let expression = try RegularExpression(pattern, options)
        #expect(expression.firstMatch(in: bytes, 0..<bytes.count, into: match) == isFound)
    }

    @Test("counts groups with names only when asked, and skips text that is no UTF-8")
    func countsNamedGroups() throws {
        #expect(try RegularExpression("(a)(?<b>b)", .namedGroupsOnly).captureCount == 1)
        let expression = try RegularExpression("(?<word>[a-zé]+)", .characters)
        let match = RegularExpressionMatch(captures: 1)
        #expect(expression.firstMatch(in: [0xFF, 0xC3, 0x61, 0xC3, 0xA9], 0..<5, into: match))
        #expect(match[1] == 2..<5)
    }

    @Test("finds the same in steps", arguments: [0, 255, 256, 257, 1000, 99_990])
    func searchesInSteps(at place: Int) throws {
        var bytes = Array(repeating: UInt8(ascii: "."), count: 100_000)
        bytes.replaceSubrange(place..<place + 5, with: Array("a=é-".utf8))
        for options in [.steps, [.steps, .characters]] as [RegularExpression.Options] {
            let expression = try RegularExpression("(?<=a=)(?<x>[^.-]+)", options)
            let match = RegularExpressionMatch(captures: 1)
            let isFound = expression.firstMatch(
                in: bytes,
                0..<bytes.count,
                into: match,
                until: .max
            )
            #expect(isFound)
            #expect(match[1] == place + 2..<place + 4)
            // Nothing of the steps is left for the next search.
            #expect(expression.firstMatch(in: bytes, 0..<bytes.count, into: match))
            #expect(!expression.firstMatch(in: bytes, 0..<place, into: match, until: .max))
            #expect(match.limitHits == 0)
        }
    }

    @Test("gives up at its limit, and at its deadline")
    func givesUp() throws {
        let bytes = Array(repeating: UInt8(ascii: "a"), count: 30_000) + Array("b".utf8)
        let exponential = try RegularExpression("(?:a+)+$", .steps)
        let match = RegularExpressionMatch(captures: 0, limit: 5000)
        #expect(!exponential.firstMatch(in: bytes, 0..<bytes.count, into: match))
        #expect(match.limitHits == 1)
        // Below the limit at each place, and without end over all of them.
        let slow = try RegularExpression("a*?[cd]", .steps)
        let patient = RegularExpressionMatch(captures: 0, limit: 1_000_000)
        let isFound = slow.firstMatch(in: bytes, 0..<bytes.count, into: patient, until: 0)
        #expect(!isFound)
        #expect(patient.limitHits == 1)
        let anchored = try RegularExpression("\\Aa*b", .steps)
        #expect(anchored.firstMatch(in: bytes, 0..<bytes.count, into: match, until: 0))
    }

    @Test("serves many threads that all come first")
    func isShared() async throws {
        let expression = try RegularExpression("(b+)c")
        let bytes = Array("aaabbbc".utf8)
        let found = await withTaskGroup(of: Range<Int>?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let match = RegularExpressionMatch(captures: 1)
                    _ = expression.firstMatch(in: bytes, 0..<bytes.count, into: match)
                    return match[1]
                }
            }
            return await group.reduce(into: [Range<Int>?]()) { $0.append($1) }
        }
        #expect(found == Array(repeating: 3..<6, count: 16))
    }
}

extension RegularExpression {
    fileprivate func firstMatch(
        in bytes: [UInt8],
        _ range: Range<Int>,
        into match: RegularExpressionMatch
    ) -> Bool {
        firstMatch(in: bytes.span.bytes, range, into: match)
    }

    fileprivate func firstMatch(
        in bytes: [UInt8],
        _ range: Range<Int>,
        into match: RegularExpressionMatch,
        until deadline: Int64
    ) -> Bool {
        firstMatch(in: bytes.span.bytes, range, into: match, until: deadline)
    }
}
