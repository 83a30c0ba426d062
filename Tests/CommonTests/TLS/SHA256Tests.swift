import Testing

@testable import Common

@Suite("SHA-256")
struct SHA256Tests {
    private func hex(_ bytes: [UInt8]) -> String {
        var text = ByteBuffer()
        text.append(hexadecimal: bytes)
        return text.text
    }

    // FIPS 180-4 examples.
    @Test(
        "hashes",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ]
    )
    func hashes(_ text: String, expected: String) {
        let bytes = Array(text.utf8)
        #expect(hex(SHA256.hash(bytes.span.bytes)) == expected)
    }

    // RFC 4231, test cases 1 and 2.
    @Test(
        "authenticates",
        arguments: [
            (
                "Hi There", Array(repeating: 0x0B, count: 20),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "what do ya want for nothing?", Array("Jefe".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
        ] as [(String, [UInt8], String)]
    )
    func authenticates(_ text: String, key: [UInt8], expected: String) {
        let bytes = Array(text.utf8)
        #expect(hex(SHA256.authenticationCode(bytes.span.bytes, key: key)) == expected)
    }
}
