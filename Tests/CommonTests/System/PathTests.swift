import Common
import Glibc
import Testing

@Suite("Paths")
struct PathTests {
    @Test("creates missing parents")
    func directories() throws {
        let folder = try TemporaryFolder()
        try Path.createDirectories(folder.path + "/a/b/c")
        try Path.createDirectories(folder.path + "/a/b/c")
        #expect(access(folder.path + "/a/b/c", F_OK) == 0)
        #expect(Path.name(of: "/a/b/c") == "c")
        #expect(Path.directory(of: "/a") == "/")
        #expect(Path.directory(of: "a") == ".")
    }

    @Test("lists the names in a directory")
    func names() throws {
        let folder = try TemporaryFolder()
        #expect(try Path.names(in: folder.path) == [])
        try Path.createDirectories(folder.path + "/.b")
        try Path.createDirectories(folder.path + "/a")
        #expect(try Path.names(in: folder.path).sorted() == [".b", "a"])
        #expect(throws: Errno.notFound) { try Path.names(in: folder.path + "/c") }
    }
}
