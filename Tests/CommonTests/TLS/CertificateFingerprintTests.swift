import Common
import Testing

@Suite("Certificate fingerprint")
struct CertificateFingerprintTests {
    private static let digits = String(repeating: "0aF", count: 21) + "b"

    @Test(
        "reads and prints",
        arguments: [
            (digits, true), (digits.uppercased(), true), (digits.lowercased(), true), ("", false),
            ("0a", false),
            (digits + "00", false), (String(digits.dropLast()) + "g", false),
        ] as [(String, Bool)]
    )
    func reads(_ text: String, isValid: Bool) {
        let fingerprint = CertificateFingerprint(text)
        #expect((fingerprint != nil) == isValid)
        guard let fingerprint else { return }
        #expect(fingerprint.description.filter { $0 != ":" } == text.uppercased())
        #expect(CertificateFingerprint(fingerprint.description) == fingerprint)
    }
}
