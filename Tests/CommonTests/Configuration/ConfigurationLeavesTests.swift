import Foundation
import Testing

@testable import Common

@Suite("values below names that users make up, and other files")
struct ConfigurationLeavesTests {
    @Test("leaves are told by their dotted names, however they are nested, in the order of the file")
    func leaves() throws {
        let reader = try Self.reader("fields: {b.c: 1, a: {d: x, e: [1, two, true]}, 'q.r': ~}")
        let leaves = reader.leaves("fields")
        #expect(leaves.map(\.name) == ["b.c", "a.d", "a.e", "q.r"])
        #expect(
            leaves.map { String(decoding: $0.value.json, as: UTF8.self) } == [
                "1", "\"x\"", "[1,\"two\",true]", "null",
            ]
        )
        try reader.finish()
    }

    @Test("a scalar in place of a section is a complaint")
    func noSection() throws {
        let reader = try Self.reader("fields: 5")
        #expect(reader.leaves("fields").isEmpty)
        #expect(throws: ConfigurationError.self) { try reader.finish() }
    }

    @Test("what is wrong in an included file is complained about with its own place")
    func include() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("a.yml").path
        try Data("size: 5\nwrong: ${WHERE}\n".utf8).write(to: URL(fileURLWithPath: file))
        let reader = try ConfigurationReader.parse([], source: "main.yml", environment: ["WHERE": "here"])
        let values = reader.include(file, as: "parts.a") {
            ($0.int("size", default: 1, in: 1...9), $0.string("wrong"))
        }
        #expect(values?.0 == 5 && values?.1 == "here")
        try reader.finish()
        #expect(reader.include(file, as: "parts.a") { $0.int("size", default: 1, in: 6...9) } == nil)
        #expect(reader.include(file + "x", as: "parts.b") { _ in 1 } == nil)
        let error = try #require(throws: ConfigurationError.self) { try reader.finish() }
        #expect("\(error)".contains("a.yml:1: parts.a.size"))
        #expect("\(error)".contains("a.yml:2: parts.a.wrong: unknown key"))
        #expect("\(error)".contains("a.ymlx"))
    }

    private static func reader(_ yaml: String) throws -> ConfigurationReader {
        try ConfigurationReader.parse(Array(yaml.utf8), source: "test.yml")
    }
}
