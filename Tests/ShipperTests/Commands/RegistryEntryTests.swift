import Common
import Testing

@testable import Shipper

@Suite struct RegistryEntryTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// A state of the file that has the name now, as if it was found under `path`.
    private func state(_ name: String, as path: String? = nil, offset: Int64 = 0, isEnded: Bool = false)
        throws
        -> FileState
    {
        FileState(
            key: try FileStatus(path: folder.path(name)).key,
            path: folder.path(path ?? name),
            token: IdentityToken(value: 0xABC, bytes: 10),
            offset: offset,
            lastSeen: 1_700_000_000,
            isEnded: isEnded
        )
    }

    @Test("tells files that are there, renamed, gone, and lives that ended")
    func conditions() throws {
        try folder.append("0123456789", to: "a.log")
        try folder.append("01234", to: "b.log.1")
        try folder.append("x", to: "c.log")
        let gone = try state("c.log", offset: 1)
        let ended = try state("a.log", offset: 7, isEnded: true)
        try folder.remove("c.log")
        let entries = RegistryEntry.all([
            gone, try state("b.log.1", as: "b.log", offset: 2), try state("a.log", offset: 4), ended,
        ])
        #expect(
            Set(entries.map { $0.cells.dropFirst(2).joined(separator: " ") }) == [
                "10 4 6 2023-11-14T22:13:20Z live",
                "- 7 - 2023-11-14T22:13:20Z ended",
                "5 2 3 2023-11-14T22:13:20Z live as b.log.1",
                "- 1 - 2023-11-14T22:13:20Z gone",
            ]
        )
        #expect(entries.map(\.state.path) == ["a.log", "a.log", "b.log", "c.log"].map(folder.path(_:)))
        #expect(entries.allSatisfy { $0.identity == "0000000000000abc" })
    }

    @Test("is one JSON object with everything")
    func json() throws {
        try folder.append("0123456789", to: "ä \".log")
        let state = try state("ä \".log", offset: 4)
        let json = RegistryEntry.all([state])[0].json
        let bytes = json.span.bytes
        var reader = JSONReader()
        _ = try reader.value(bytes)
        try reader.end(bytes)
        #expect(JSONLookup.text(bytes, ["path"]) == state.path)
        #expect(JSONLookup.text(bytes, ["found"]) == state.path)
        #expect(JSONLookup.text(bytes, ["state"]) == "live")
        #expect(JSONLookup.text(bytes, ["inode"]) == "\(state.key.inode)")
        #expect(JSONLookup.integer(bytes, ["size"]) == 10)
        #expect(JSONLookup.integer(bytes, ["identity_bytes"]) == 10)
        #expect(JSONLookup.integer(bytes, ["offset"]) == 4)
        #expect(JSONLookup.integer(bytes, ["lag_bytes"]) == 6)
        #expect(JSONLookup.text(bytes, ["tail"])?.utf8.count == 32)
    }

    @Test("is meant by its path, a glob or its identity")
    func matching() throws {
        try folder.append("x", to: "a.log")
        let entry = RegistryEntry.all([try state("a.log")])[0]
        for pattern in [folder.path("a.log"), folder.path("*.log"), folder.path("?.log"), "0000000000000abc"]
        {
            #expect(RegistryCommand.matches(entry, pattern), "\(pattern)")
        }
        for pattern in ["*", "a.log", "/*", "abc", folder.path("b*"), ""] {
            #expect(!RegistryCommand.matches(entry, pattern), "\(pattern)")
        }
    }

    @Test(
        "the registry is read beside the one who writes it, and from the generation before when it is damaged"
    )
    func reader() throws {
        #expect(try RegistryReader.read(folder.path) == nil)
        try folder.append("x", to: "a.log")
        let store = try RegistryStore(directory: folder.path)
        try RegistryStore.save(RegistryFile.encode([]), in: store.directory)
        try RegistryStore.save(RegistryFile.encode([try state("a.log", offset: 1)]), in: store.directory)
        #expect(try RegistryReader.read(folder.path)?.map(\.offset) == [1])
        try folder.truncate("registry", to: 20)
        #expect(try RegistryReader.read(folder.path)?.isEmpty == true)
        try folder.truncate("registry.previous", to: 20)
        let failure = #expect(throws: RegistryStore.Failure.self) { try RegistryReader.read(folder.path) }
        #expect(failure?.description.contains("checksum") == true)
        // Nothing was changed by looking: the shipper itself puts damaged files aside.
        #expect(try FileStatus(path: folder.path("registry")).size == 20)
    }
}
