import Common
import Testing

@testable import APMServer

@Suite("Authorizer")
struct AuthorizerTests {
    private static let expected =
        "expected 'Authorization: Bearer secret_token' or 'Authorization: ApiKey base64(API key ID:API key)'"
    private static let missing =
        "authentication failed: missing or improperly formatted Authorization header: \(expected)"

    private func decide(
        _ header: String?,
        token: String = "",
        allowsAnonymous: Bool = false
    ) -> Authorizer.Verdict? {
        let authorizer = Authorizer(
            token: SecretToken(token),
            apiKeys: nil,
            allowsAnonymous: allowsAnonymous
        )
        guard case .known(let verdict) = authorizer.decide(header, now: 0) else { return nil }
        return verdict
    }

    @Test("asks for nothing when nothing is configured", arguments: [nil, "Bearer x", "ApiKey x", "x"])
    func open(header: String?) {
        #expect(decide(header) == .granted(.everything))
    }

    @Test(
        "compares the secret token, in the words of Elastic's server",
        arguments: [
            ("Bearer sesame", .granted(.everything)),
            ("Bearer  sesame ", .granted(.everything)),
            ("Bearer Sesame", .denied(status: 401, message: "authentication failed")),
            ("Bearer sesamesesame", .denied(status: 401, message: "authentication failed")),
            ("Bearer sesam", .denied(status: 401, message: "authentication failed")),
            ("Bearer ", .denied(status: 401, message: "authentication failed")),
            ("ApiKey YTpi", .denied(status: 401, message: "authentication failed")),
            (nil, .denied(status: 401, message: missing)),
            ("sesame", .denied(status: 401, message: missing)),
            (
                "bearer sesame",
                .denied(
                    status: 401,
                    message: "authentication failed: unknown Authentication header bearer: \(expected)"
                )
            ),
        ] as [(String?, Authorizer.Verdict)]
    )
    func token(header: String?, verdict: Authorizer.Verdict) {
        #expect(decide(header, token: "sesame") == verdict)
    }

    @Test("takes clients without credentials as anonymous, not those with wrong ones")
    func anonymous() {
        #expect(decide(nil, token: "sesame", allowsAnonymous: true) == .granted(.anonymous))
        #expect(decide("sesame", token: "sesame", allowsAnonymous: true) == .granted(.anonymous))
        let failed = Authorizer.Verdict.denied(status: 401, message: "authentication failed")
        #expect(decide("Bearer x", token: "sesame", allowsAnonymous: true) == failed)
    }
}
