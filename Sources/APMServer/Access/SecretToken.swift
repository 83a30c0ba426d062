/// The token that agents share with the server (`auth.secret_token`).
struct SecretToken: Sendable {
    private let bytes: [UInt8]

    /// - Returns: nil for an empty text, which is no token.
    init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        bytes = Array(text.utf8)
    }

    /// Whether `text` is the token, in a time that depends on the length of `text` alone.
    func equals(_ text: Substring) -> Bool {
        var index = 0
        var difference = UInt64(truncatingIfNeeded: text.utf8.count ^ bytes.count)
        for byte in text.utf8 {
            difference |= UInt64(byte ^ bytes[index])
            index = index + 1 == bytes.count ? 0 : index + 1
        }
        return difference == 0
    }
}
