import Common
import Testing

@testable import APMServer

@Suite("Cross-origin requests")
struct CrossOriginTests {
    @Test(
        "matches patterns with stars",
        arguments: [
            ("*", "", true), ("*", "https://a.example", true), ("", "", true), ("", "a", false),
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "https://a.example2", false),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://example", false),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("a*", "a", true),
            ("*ab", "aab", true),
            ("**", "x", true), ("a*b*c", "abbbbc", true), ("a*b*c", "abbbbcd", false),
        ] as [(String, String, Bool)]
    )
    func globs(pattern: String, text: String, matches: Bool) {
        #expect(Glob(pattern).matches(text) == matches)
    }

    private func decide(_ method: String, origin: String?, allowed: [String]) -> CrossOrigin.Decision {
        let headers = origin.map { [HTTPRequest.Field("Origin", $0)] } ?? []
        let request = HTTPRequest(method: method, path: "/", headers: headers)
        return CrossOrigin(origins: allowed, headers: ["X-Trace"]).decide(request)
    }

    @Test("answers preflight requests, with the origin only when it is allowed")
    func preflight() {
        for (origin, isAllowed) in [("https://a.example", true), ("https://b.example", false)] {
            guard case .respond(let response) = decide("OPTIONS", origin: origin, allowed: ["*a.example"])
            else {
                Issue.record("preflight requests are answered")
                continue
            }
            let expected: [HTTPRequest.Field] = [
                .init("Access-Control-Max-Age", "3600"), .init("Vary", "Origin"),
                .init("Access-Control-Allow-Methods", "POST, OPTIONS"),
                .init("Access-Control-Allow-Headers", "X-Trace, Content-Type, Content-Encoding, Accept"),
                .init("Access-Control-Expose-Headers", "Etag"),
            ]
            let echoed = HTTPRequest.Field("Access-Control-Allow-Origin", origin)
            #expect(response.status == 200 && response.body.isEmpty)
            #expect(response.headers == (isAllowed ? [echoed] : []) + expected)
        }
    }

    @Test("refuses other origins, and requests without one unless a pattern allows that")
    func refusal() {
        for (origin, allowed, name) in [
            ("https://b.example", ["https://a.example"], "https://b.example"),
            (nil, ["https://a.example"], ""),
        ] {
            guard case .respond(let response) = decide("POST", origin: origin, allowed: allowed) else {
                Issue.record("it is refused")
                continue
            }
            #expect(response.status == 403)
            #expect(response.text == "{\"error\":\"forbidden request: origin: '\(name)' is not allowed\"}\n")
        }
        guard case .proceed(let headers) = decide("POST", origin: nil, allowed: ["*"]) else {
            Issue.record("it is allowed")
            return
        }
        #expect(headers.isEmpty)
    }
}
