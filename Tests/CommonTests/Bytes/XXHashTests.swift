import Common
import Testing

@Suite("XXH64")
struct XXHashTests {
    /// Values of the reference program (`xxhsum -H1`) and of its sanity checks.
    private static let known: [(text: String, seed: UInt64, hash: UInt64)] = [
        ("", 0, 0xef46_db37_51d8_e999),
        ("a", 0, 0xd24e_c4f1_a98c_6e5b),
        ("abc", 0, 0x44bc_2cf5_ad77_0999),
        ("message digest", 0, 0x066e_d728_fcee_b3be),
        ("abcdefghijklmnopqrstuvwxyz", 0, 0xcfe1_f278_fa89_835c),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 0,
            0xaaa4_6907_d304_7814
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890", 0,
            0xe04a_477f_19ee_145d
        ),
        ("error log message", 0, 0xe742_7150_b064_c482),
    ]

    @Test("hashes known texts", arguments: known)
    func hashes(_ text: String, seed: UInt64, hash: UInt64) {
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBytes { XXHash64.hash($0.bytes, 0..<$0.count, seed: seed) } == hash)
    }

    @Test("gives the same hash however the text is cut", arguments: known)
    func cuts(_ text: String, seed: UInt64, hash: UInt64) {
        let bytes = Array(text.utf8)
        let hashes = (0...bytes.count).map { middle in
            (middle...bytes.count).map { end in
                var state = XXHash64(seed: seed)
                bytes.withUnsafeBytes {
                    state.update($0.bytes, 0..<middle)
                    state.update($0.bytes, middle..<end)
                    state.update($0.bytes, end..<bytes.count)
                }
                return state.value
            }
        }
        #expect(hashes.joined().allSatisfy { $0 == hash })
    }
}
