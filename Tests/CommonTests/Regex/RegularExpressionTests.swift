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
}
