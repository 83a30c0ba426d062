import Foundation
import Testing

@testable import Shipper

@Suite struct PathScannerTests {
    @Test("finds what the patterns name, once each, without what is excluded")
    func scan() throws {
        let folder = try Folder()
        for name in ["a.log", "b.log", "b.log.1", ".hidden.log", "c.txt"] { try folder.append("x", to: name) }
        let scanner = PathScanner(
            patterns: [folder.path("*.log*"), folder.path("a.*")],
            exclusions: ["*.1"]
        )
        #expect(scanner.scan() == [.path(folder.path("a.log")), .path(folder.path("b.log"))])
        #expect(scanner.matches(folder.path("new.log")))
        #expect(!scanner.matches(folder.path("new.log.1")))
        #expect(!scanner.matches(folder.path(".hidden.log")))
        #expect(!scanner.matches(folder.path("deeper/new.log")))
    }

    @Test("watches every directory where a new name can match")
    func directories() throws {
        let folder = try Folder()
        for name in ["one", "two"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name),
                withIntermediateDirectories: true
            )
        }
        let scanner = PathScanner(patterns: [folder.path("*/app.log"), folder.path("missing/deep/x.log")])
        #expect(scanner.directories() == [folder.path, folder.path("one"), folder.path("two")])
    }

    @Test("a name that is no UTF-8 is found and said")
    func notUTF8() throws {
        let folder = try Folder()
        let descriptor = (folder.path.utf8CString.dropLast() + [47, -1, 46, 108, 0]).withUnsafeBufferPointer {
            open($0.baseAddress!, O_CREAT | O_WRONLY, 0o644)
        }
        close(descriptor)
        guard case .notUTF8 = PathScanner(patterns: [folder.path("*.l")]).scan().first else {
            Issue.record("not found")
            return
        }
    }

    @Test(
        "event.timezone",
        arguments: [
            ("local", true), ("+02:00", true), ("UTC", true), ("+2", false), ("Nowhere/Land", false),
            ("", false),
        ]
    )
    func timezone(_ text: String, isValid: Bool) { #expect(TimezoneSetting(text).isValid == isValid) }
}
