import Testing

@testable import Shipper

@Suite struct DeletedFileLimitsTests {
    private typealias File = DeletedFileLimits.File
    private static let second: Int64 = 1_000_000_000

    private func released(_ limits: DeletedFileLimits, _ files: [File], at seconds: Int64 = 10) -> [String] {
        limits.released(files, now: seconds * Self.second).map { "\($0.index) \($0.reason)" }
    }

    private func file(_ bytes: Int64, unread: Bool = true, at seconds: Int64) -> DeletedFileLimits.File {
        File(bytes: bytes, isUnread: unread, deletedAt: seconds * Self.second)
    }

    @Test("nothing is given up within the limits")
    func within() {
        let limits = DeletedFileLimits(maxBytes: 100, maxAge: .seconds(10))
        #expect(released(limits, [file(60, at: 0), file(40, at: 5)]).isEmpty)
    }

    @Test("too many bytes: what is read goes first, then the oldest")
    func bytes() {
        let limits = DeletedFileLimits(maxBytes: 100, maxAge: .zero)
        let files = [file(60, at: 3), file(60, at: 1), file(50, unread: false, at: 9)]
        #expect(released(limits, files) == ["2 bytes", "1 bytes"])
        #expect(released(limits, [file(101, at: 9)]) == ["0 bytes"])
    }

    @Test("too old")
    func age() {
        let limits = DeletedFileLimits(maxBytes: 0, maxAge: .seconds(5))
        #expect(released(limits, [file(1, at: 4), file(1, at: 5), file(1, at: 1)]) == ["2 age", "0 age"])
    }

    @Test("no limit of bytes or age, but of descriptors")
    func count() {
        let limits = DeletedFileLimits(maxBytes: 0, maxAge: .zero)
        let files = (0..<(DeletedFileLimits.maxCount + 2)).map { file(1 << 40, at: Int64($0)) }
        #expect(released(limits, files, at: 1 << 30) == ["0 count", "1 count"])
    }
}
