import Common
import Foundation
import Testing

@testable import Shipper

@Suite struct ArchiveInflaterTests {
    /// `hello` and `world`, with a line feed each, as gzip 1.12 makes them (`printf 'hello\n' | gzip -n`).
    private static let hello: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0xE7, 2, 0, 0x20, 0x30, 0x3A, 0x36,
        6, 0, 0, 0,
    ]
    private static let world: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x2B, 0xCF, 0x2F, 0xCA, 0x49, 0xE1, 2, 0, 0xA8, 0x61, 0x38, 0xDD,
        6, 0, 0, 0,
    ]

    private func inflate(_ bytes: [UInt8]) throws -> (text: String, failure: ArchiveInflater.Failure?) {
        let folder = try Folder()
        try folder.append(bytes, to: "x.gz")
        let raw = open(folder.path("x.gz"), O_RDONLY)
        let result = ArchiveInflater().inflate(raw, to: folder.path("out"))
        let content = try Data(contentsOf: URL(fileURLWithPath: folder.path("out")))
        #expect(content.count == Int(result.bytes))
        return (String(decoding: content, as: UTF8.self), result.failure)
    }

    @Test(
        "one content of all members, and what was whole before the damage",
        arguments: [
            (hello, "hello\n", nil),
            (hello + world, "hello\nworld\n", nil),
            (hello + [0, 0, 0, 0], "hello\n", nil),
            (hello + world.dropLast(3), "hello\nworld\n", .content(.corrupt)),
            (hello + world[..<5], "hello\n", .content(.corrupt)),
            (hello[..<22] + [0xFF] + hello[23...], "hello\n", .content(.corrupt)),
            (Array(hello[..<12]), "hello\n", .content(.corrupt)),
            ([0x1F, 0x8B, 9, 0], "", .content(.corrupt)),
            ([], "", .content(.corrupt)),
        ] as [([UInt8], String, ArchiveInflater.Failure?)]
    )
    func content(_ bytes: [UInt8], _ text: String, _ failure: ArchiveInflater.Failure?) throws {
        let result = try inflate(bytes)
        #expect(result.failure == failure)
        #expect(text.hasPrefix(result.text) && (failure != nil || result.text == text))
    }

    @Test("larger than every buffer, cut into many members")
    func large() throws {
        let members = 20_000
        let result = try inflate(Array((0..<members).map { _ in Self.hello }.joined()))
        #expect(result.failure == nil)
        #expect(result.text == String(repeating: "hello\n", count: members))
    }

    @Test("a file that cannot be made, and one that is stopped")
    func failures() throws {
        let folder = try Folder()
        try folder.append(Self.hello, to: "x.gz")
        let inflater = ArchiveInflater()
        let unwritable = inflater.inflate(open(folder.path("x.gz"), O_RDONLY), to: folder.path("no/out"))
        #expect(unwritable.failure == .write(.notFound))
        inflater.stop()
        let stopped = inflater.inflate(open(folder.path("x.gz"), O_RDONLY), to: folder.path("out"))
        #expect(stopped.failure == .stopped)
        #expect(inflater.inflate(-1, to: folder.path("out")).bytes == 0)
    }

    @Test(
        "magic and length without inflating",
        arguments: [
            (hello, true, 6), (hello + world, true, 6), (Array("plain text, long enough\n".utf8), false, nil),
            ([0x1F], false, nil),
        ]
            as [([UInt8], Bool, UInt32?)]
    )
    func trailer(_ bytes: [UInt8], hasMagic: Bool, size: UInt32?) throws {
        let folder = try Folder()
        try folder.append(bytes, to: "x.gz")
        let file = try Descriptor.open(folder.path("x.gz"), O_RDONLY)
        #expect(try GzipFile.hasMagic(raw: file.raw) == hasMagic)
        if hasMagic { #expect(try GzipFile.head(raw: file.raw).array == Array("hello\n".utf8)) }
        if hasMagic { #expect(try GzipFile.inflatedSize(raw: file.raw, size: Int64(bytes.count)) == size) }
    }
}
