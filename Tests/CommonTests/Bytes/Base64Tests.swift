import Common
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "reads what it writes",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"), ("\u{FF}\u{7FF}?", "w7/fvz8="),
        ] as [(String, String)]
    )
    func vectors(_ text: String, encoded: String) {
        // The first seven stand in RFC 4648, section 10.
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(Substring(encoded)) == Array(text.utf8))
    }

    @Test(
        "refuses other text",
        arguments: ["Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9 ", "Zm-_", "====", "=Zg="]
    )
    func refuses(text: String) {
        #expect(Base64.decode(Substring(text)) == nil)
    }
}
