import Testing

@testable import Shipper

@Suite struct CopyRuleTests {
    @Test(
        "names that rotation makes",
        arguments: [
            ("/l/app.log.1", "/l/app.log", true),
            ("/l/app.log-20261122", "/l/app.log", true),
            ("/l/app-20261122.log", "/l/app.log", true),
            ("/l/app.1.log", "/l/app.log", true),
            ("/l/app", "/l/app.log", false),
            ("/l/app.log", "/l/app.log", false),
            ("/l/app.log", "/l/app.log.1", false),
            ("/m/app.log.1", "/l/app.log", false),
            ("/l/app.login", "/l/app.log", false),
            ("/l/app.error.log", "/l/app.log", false),
            ("/l/b.access.log", "/l/a.access.log", false),
            ("/l/access.1", "/l/access", true),
            ("/l/app.log.2.gz", "/l/app.log", true),
            ("/l/app.log.gz", "/l/app.log", true),
            ("/l/app-20261122.log.gz", "/l/app.log", true),
            ("/l/app.error.log.gz", "/l/app.log", false),
        ]
    )
    func names(_ copy: String, original: String, expected: Bool) {
        #expect(CopyRule.isRotated(copy, of: original) == expected)
    }

    @Test("beside an original that is whole: waits until it is sure, and takes no banner for a copy")
    func besideLive() {
        func verdict(
            _ size: Int64,
            _ read: Int64,
            head: Bool = true,
            content: Bool = true,
            settled: Bool = true
        ) -> CopyRule.Verdict {
            CopyRule.besideLive(
                size: size,
                read: read,
                headMatches: head,
                contentMatches: content,
                isSettled: settled
            )
        }
        #expect(verdict(1000, 1000, head: false, settled: false) == .unrelated)
        #expect(verdict(1000, 1000, settled: false) == .wait)
        #expect(verdict(1000, 1000) == .copy(offset: 1000))
        #expect(verdict(800, 1000) == .copy(offset: 800))
        #expect(verdict(1000, 800) == .wait)
        #expect(verdict(1000, 1000, content: false) == .unrelated)
        #expect(verdict(255, 1000) == .unrelated)
        #expect(verdict(1000, 255) == .unrelated)
    }

    @Test("beside an original that was truncated: the rest from where that was read")
    func besideEnded() {
        #expect(CopyRule.besideEnded(size: 150, offset: 100, contentMatches: true) == .copy(offset: 100))
        #expect(CopyRule.besideEnded(size: 100, offset: 100, contentMatches: true) == .copy(offset: 100))
        #expect(CopyRule.besideEnded(size: 99, offset: 100, contentMatches: true) == .unrelated)
        #expect(CopyRule.besideEnded(size: 150, offset: 100, contentMatches: false) == .unrelated)
        #expect(CopyRule.besideEnded(size: 150, offset: 0, contentMatches: true) == .unrelated)
    }
}
