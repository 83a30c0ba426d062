import Common
import Foundation
import Testing

@testable import Shipper

@Suite struct RegistryFileTests {
    private let states = [
        FileState(
            key: FileKey(device: 1 << 40, inode: .max, birth: -5),
            generation: 7,
            path: "/var/log/ä b%\n.log",
            token: IdentityToken(value: .max, bytes: 57),
            offset: .max,
            fingerprint: Fingerprint(
                head: SipHash.Value(low: .max, high: 1),
                tail: SipHash.Value(low: 0, high: 1 << 63)
            ),
            lastSeen: 1_700_000_000,
            isEnded: true
        ),
        FileState(key: FileKey(device: 0, inode: 0, birth: 0), path: "/x", lastSeen: 0),
    ]

    private func decode(_ bytes: [UInt8]) throws -> [FileState] { try RegistryFile.decode(bytes.span.bytes) }

    private func describe(_ state: FileState) -> String {
        "\(state.key) \(state.generation) \(state.path) \(state.token.map { "\($0)" } ?? "-") \(state.offset)"
            + " \(state.fingerprint) \(state.lastSeen) \(state.isEnded)"
    }

    @Test("says again what it was told", arguments: [0, 1, 2])
    func roundTrip(count: Int) throws {
        let states = Array(self.states.prefix(count))
        let text = RegistryFile.encode(states)
        #expect(try decode(text.array).map(describe) == states.map(describe))
    }

    @Test("refuses itself cut or changed at any byte")
    func damage() throws {
        let bytes = RegistryFile.encode(states).array
        for length in 0..<bytes.count {
            #expect(throws: RegistryFile.Damage.self, "cut to \(length)") {
                try decode(Array(bytes[..<length]))
            }
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x04
            #expect(throws: RegistryFile.Damage.self, "changed at \(index)") { try decode(changed) }
        }
        #expect(throws: RegistryFile.Damage.self) { try decode(bytes + [0]) }
    }

    @Test("reads what version 1 wrote, and writes it as version 2")
    func olderVersion() throws {
        let states = try decode(try Fixture.bytes("registry/version-1"))
        #expect(states.map(\.path) == ["/srv/log-v1/app.log.1", "/srv/log-v1/app.log"])
        #expect(states.map(\.offset) == [11, 18])
        #expect(states.allSatisfy { $0.token != nil && $0.token?.bytes == nil })
        let text = RegistryFile.encode(states)
        #expect(text.withSpan { $0.equals("shipper registry 2\n", 0..<19) })
        #expect(try decode(text.array).map(describe) == states.map(describe))
    }

    @Test("another version is refused by name")
    func version() {
        #expect(throws: RegistryFile.Damage.version("3")) { try decode(Array("shipper registry 3\n".utf8)) }
        #expect(throws: RegistryFile.Damage.notARegistry) { try decode(Array("{}".utf8)) }
    }

    @Test("a write that a crash cuts leaves the generation before")
    func tornWrite() throws {
        let folder = try Folder()
        let store = try RegistryStore(directory: folder.path)
        try RegistryStore.save(RegistryFile.encode(states), in: folder.path)
        try RegistryStore.save(RegistryFile.encode(states.prefix(1)), in: folder.path)
        #expect(store.load().count == 1)
        // Crash between the two renames of a save, or a file system that lost the content.
        let whole = RegistryFile.encode(states.prefix(1)).array
        for length in [0, 1, whole.count / 2, whole.count - 1] {
            try Data(whole[..<length]).write(to: URL(fileURLWithPath: folder.path("registry")))
            #expect(store.load().count == 2)
        }
        try folder.remove("registry.previous")
        #expect(store.load().isEmpty)
    }

    @Test("keeps a bounded number of ended lives")
    func bounded() {
        let registry = Registry()
        for index in 0..<(Registry.maxEnded + 10) {
            let state = FileState(
                key: FileKey(device: 1, inode: UInt64(index), birth: 0),
                path: "/x",
                offset: 1,
                lastSeen: 0
            )
            registry.add(state)
            registry.end(state)
        }
        #expect(registry.ended.count == Registry.maxEnded)
        #expect(registry.states.isEmpty)
        #expect(registry.ended.last?.key.inode == UInt64(Registry.maxEnded + 9))
    }
}
