import Foundation
import Testing

@testable import Common

@Suite("Variables of configurations")
struct VariablesTests {
    /// A folder with files, removed at the end.
    private final class Folder {
        let path = NSTemporaryDirectory() + "elkfa-\(UUID().uuidString)"

        init(_ files: [String: [UInt8]]) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for (name, bytes) in files {
                try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test("come from the environment, a named file, or systemd's credentials")
    func sources() throws {
        let folder = try Folder([
            "token": Array("from a file\n".utf8), "windows": Array("x\r\n".utf8),
            "CREDENTIAL": Array("from systemd".utf8), "TOKEN": Array("not asked".utf8),
        ])
        let variables = Variables([
            "PLAIN": "plain", "NOTHING": "", "TOKEN_FILE": "\(folder.path)/token", "TOKEN": "",
            "LINES_FILE": "\(folder.path)/windows", "UNSET_FILE": "", "CREDENTIALS_DIRECTORY": folder.path,
        ])
        let expected: [(String, String?)] = [
            ("PLAIN", "plain"), ("NOTHING", ""), ("TOKEN", "from a file"), ("LINES", "x"),
            ("CREDENTIAL", "from systemd"), ("UNSET", nil), ("OTHER", nil),
        ]
        for (name, value) in expected { #expect(try variables.value(of: name) == value, "\(name)") }
    }

    @Test("say which file cannot be used, and never what is in it")
    func mistakes() throws {
        let folder = try Folder([
            "empty": Array("\n".utf8), "large": Array(repeating: 65, count: 70_000), "bytes": [0xFF, 0xFE],
            "zero": [65, 0, 65], "good": Array("s3cret".utf8),
        ])
        let cases = [
            ("missing", "cannot be read: \(folder.path)/missing: No such file or directory"),
            ("empty", "is empty: \(folder.path)/empty"), ("large", "it is larger than 64 KiB"),
            ("bytes", "is no text in UTF-8"), ("zero", "is no text in UTF-8"),
        ]
        for (file, message) in cases {
            let variables = Variables(["A_FILE": "\(folder.path)/\(file)"])
            let error = #expect(throws: Variables.Unreadable.self) { try variables.value(of: "A") }
            #expect(error?.message.contains("the file that A_FILE names") == true)
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
        let both = Variables(["A": "s3cret", "A_FILE": "\(folder.path)/good"])
        let error = #expect(throws: Variables.Unreadable.self) { try both.value(of: "A") }
        #expect(error?.message == "both A and A_FILE are set; keep one of them")
    }

    @Test("are replaced in configurations, and mistakes have a place")
    func replaced() throws {
        let folder = try Folder(["key": Array("abc: 'd'\n".utf8)])
        func read(_ environment: [String: String]) throws -> String? {
            let reader = try ConfigurationReader.parse(
                Array("a: 1\napi_key: \"${KEY:}\"\n".utf8),
                source: "x.yml",
                environment: environment
            )
            _ = reader.string("a")
            let key = reader.string("api_key")
            try reader.finish()
            return key
        }
        #expect(try read(["KEY_FILE": "\(folder.path)/key"]) == "abc: 'd'")
        #expect(try read([:]) == "")
        let error = #expect(throws: ConfigurationError.self) { try read(["KEY_FILE": "/nowhere"]) }
        #expect(error?.description.contains("x.yml:2: api_key: the file that KEY_FILE names") == true)
    }
}
