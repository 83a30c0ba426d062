import Common
import Foundation
import Testing

@testable import Shipper

@Suite struct FingerprintTests {
    private let content = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 5) }

    private func fingerprint(of bytes: [UInt8], at offset: Int) throws -> Fingerprint? {
        let folder = try Folder()
        try folder.append(bytes, to: "f")
        let file = try Descriptor.open(folder.path("f"), O_RDONLY)
        return try Fingerprint.read(raw: file.raw, at: Int64(offset))
    }

    @Test("grows in any steps to what the file says", arguments: [1, 7, 100, 1023, 1024, 1025, 4000])
    func grows(step: Int) throws {
        var fingerprint = Fingerprint.empty
        var offset = 0
        while offset < content.count {
            let next = min(offset + step, content.count)
            let start = offset - Fingerprint.length(at: Int64(offset))
            let part = Array(content[start..<next])
            fingerprint.advance(to: Int64(next), in: part.span.bytes, startingAt: Int64(start))
            offset = next
        }
        #expect(try self.fingerprint(of: content, at: content.count) == fingerprint)
    }

    @Test(
        "tells changed content at every distance that counts",
        arguments: [(0, false), (1023, false), (4999, false), (3976, false), (2000, true)]
    )
    func tellsChanges(at index: Int, unchanged: Bool) throws {
        let before = try #require(try fingerprint(of: content, at: 5000))
        var changed = content
        changed[index] ^= 1
        let folder = try Folder()
        try folder.append(changed, to: "f")
        let file = try Descriptor.open(folder.path("f"), O_RDONLY)
        // Bytes between head and tail are beyond what is remembered.
        #expect(try before.matches(raw: file.raw, at: 5000) == unchanged)
    }

    @Test("a shorter file has no fingerprint there, and matches none")
    func shorter() throws {
        #expect(try fingerprint(of: [1, 2, 3], at: 4) == nil)
        #expect(try fingerprint(of: [], at: 0) == .empty)
    }

    @Test("identity is of the file and its first line, and of nothing else")
    func token() {
        let key = FileKey(device: 1, inode: 2, birth: 3)
        func token(_ key: FileKey, _ generation: UInt32, _ line: String) -> UInt64 {
            let bytes = Array(line.utf8)
            return IdentityToken.token(
                key,
                generation: generation,
                firstLine: bytes.span.bytes,
                0..<bytes.count
            )
        }
        let long = String(repeating: "a", count: 1024)
        #expect(token(key, 0, "x") == token(key, 0, "x"))
        #expect(token(key, 0, long) == token(key, 0, long + "b"))
        let others = [
            token(key, 0, "x"), token(key, 0, "y"), token(key, 1, "x"), token(key, 0, ""),
            token(FileKey(device: 1, inode: 2, birth: 4), 0, "x"),
            token(FileKey(device: 2, inode: 2, birth: 3), 0, "x"),
            token(FileKey(device: 1, inode: 23, birth: 0), 0, "x"),
        ]
        #expect(Set(others).count == others.count)
    }
}
