import Common
import Testing

@testable import APMServer

@Suite("Server information")
struct ServerInformationRouteTests {
    private func answer(_ method: String, accept: String? = nil) -> (HTTPResponse, body: String) {
        var router = HTTPRouter()
        ServerInformationRoute().add(to: &router)
        let headers = accept.map { [HTTPRequest.Field("accept", $0)] } ?? []
        let response = router.respond(to: HTTPRequest(method: method, path: "/", headers: headers))
        return (response, String(decoding: response.body, as: UTF8.self))
    }

    @Test("is indented JSON for who accepts JSON, one line of text for others")
    func shapes() throws {
        for accept in ["*/*", "application/json, text/plain"] {
            let (response, body) = answer("GET", accept: accept)
            #expect(response.status == 200)
            #expect(response.headers == [.init("Content-Type", "application/json")])
            #expect(
                body.hasPrefix("{\n  \"build_date\": \"20")
                    && body.hasSuffix("\n  \"version\": \"9.5.2\"\n}\n")
            )
        }
        for accept in [nil, "text/html"] {
            let (response, body) = answer("GET", accept: accept)
            #expect(response.headers == [.init("Content-Type", "text/plain; charset=utf-8")])
            let expected =
                #"^\{"build_date":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","build_sha":"elkfa-[0-9.]+","#
                + #""publish_ready":false,"version":"9\.5\.2"\}\n$"#
            #expect(try Regex(expected).wholeMatch(in: body) != nil)
        }
        #expect(answer("HEAD").0.status == 200)
    }

    @Test("refuses other methods as Elastic's does", arguments: ["POST", "PUT", "OPTIONS"])
    func otherMethods(method: String) {
        let (response, body) = answer(method)
        #expect(response.status == 405)
        #expect(
            body == """
                {"error":"method not supported: this is the server information endpoint; \
                did you mean to send data to another endpoint instead?"}

                """
        )
    }
}
