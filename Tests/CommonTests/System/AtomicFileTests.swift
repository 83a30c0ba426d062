import Common
import Glibc
import Testing

@Suite("Atomic file")
struct AtomicFileTests {
    @Test("replaces the content and keeps the previous generation")
    func replaces() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/state"
        for text in ["one", "two", "three"] {
            try Array(text.utf8).withUnsafeBytes { bytes in
                try AtomicFile.write(bytes, to: path, keepingPrevious: path + ".previous")
            }
        }
        #expect(try AtomicFile.read(path, limit: 100) == Array("three".utf8))
        #expect(try AtomicFile.read(path + ".previous", limit: 100) == Array("two".utf8))
        #expect(access(path + ".new", F_OK) != 0)
    }

    @Test("says which step failed and leaves the old content")
    func failure() throws {
        let folder = try TemporaryFolder()
        #expect(throws: AtomicFile.Failure.self) {
            try [UInt8]().withUnsafeBytes { try AtomicFile.write($0, to: folder.path + "/missing/state") }
        }
        let failure = #expect(throws: AtomicFile.Failure.self) {
            try AtomicFile.read(folder.path + "/absent", limit: 10)
        }
        #expect(failure?.description == "cannot read \(folder.path)/absent: No such file or directory")
    }

    @Test("refuses a file above the limit")
    func limit() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/large"
        try [UInt8](repeating: 1, count: 100).withUnsafeBytes { try AtomicFile.write($0, to: path) }
        #expect(try AtomicFile.read(path, limit: 100).count == 100)
        #expect(throws: AtomicFile.Failure.self) { try AtomicFile.read(path, limit: 99) }
    }
}
