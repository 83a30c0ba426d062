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
        "** stands for up to eight directories",
        arguments: [
            ("/var/**/x.log", "/var/x.log", true),
            ("/var/**/x.log", "/var/a/x.log", true),
            ("/var/**/x.log", "/var/1/2/3/4/5/6/7/8/x.log", true),
            ("/var/**/x.log", "/var/1/2/3/4/5/6/7/8/9/x.log", false),
            ("/var/**/x.log", "/var/.hidden/x.log", false),
            ("/var/**/x.log", "/other/x.log", false),
            ("/var/**", "/var/x", true),
            ("/var/**", "/var/1/2/3/4/5/6/7/x", true),
            ("/var/**", "/var/1/2/3/4/5/6/7/8/x", false),
            ("/**/a.log", "/a.log", true),
            ("/**/a.log", "/b/a.log", true),
            ("/var/**/log/*.log", "/var/a/b/log/x.log", true),
            ("/var/x**/*.log", "/var/xy/a.log", true),
            ("/var/x**/*.log", "/var/xy/z/a.log", false),
        ]
    )
    func recursion(_ pattern: String, _ path: String, isMatch: Bool) {
        #expect(PathScanner(patterns: [pattern]).matches(path) == isMatch)
    }

    @Test("** finds files at any depth, through links, and no directory twice")
    func recursiveScan() throws {
        let folder = try Folder()
        for name in ["a/b/c", "[odd]", ".hidden"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name),
                withIntermediateDirectories: true
            )
        }
        for name in ["x.log", "a/x.log", "a/b/c/x.log", "[odd]/x.log", ".hidden/x.log", "a/x.txt"] {
            try folder.append("x", to: name)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a/b/loop"),
            withDestinationPath: folder.path
        )
        let scanner = PathScanner(patterns: [folder.path("**/*.log")], exclusions: ["/**/c/*"])
        let found = ["x.log", "[odd]/x.log", "a/x.log"].map { PathScanner.Finding.path(folder.path($0)) }
        #expect(scanner.scan() == found)
        let names = ["[odd]", "a", "a/b", "a/b/c"]
        #expect(scanner.directories() == Set([folder.path] + names.map(folder.path)))
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
