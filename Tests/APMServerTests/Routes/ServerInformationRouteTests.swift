import Common
import Testing

@testable import APMServer

@Suite("Server information")
struct ServerInformationRouteTests {
    private func answer(_ method: String, accept: String? = nil, isAuthenticated: Bool = true) -> HTTPResponse
    {
        let headers = accept.map { [HTTPRequest.Field("accept", $0)] } ?? []
        let request = HTTPRequest(method: method, path: "/", headers: headers)
        return ServerInformationRoute { true }.answer(to: request, isAuthenticated: isAuthenticated)
    }

    @Test("is indented JSON for who accepts JSON, one line of text for others")
    func shapes() throws {
        for accept in ["*/*", "application/json, text/plain"] {
            let response = answer("GET", accept: accept)
            #expect(response.status == 200)
            #expect(response.headers == [.init("Content-Type", "application/json")])
            #expect(
                response.text.hasPrefix("{\n  \"build_date\": \"20")
                    && response.text.hasSuffix("\n  \"publish_ready\": true,\n  \"version\": \"9.5.2\"\n}\n")
            )
        }
        for accept in [nil, "text/html"] {
            let response = answer("GET", accept: accept)
            #expect(response.headers == [.init("Content-Type", "text/plain; charset=utf-8")])
            let expected =
                #"^\{"build_date":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","build_sha":"elkfa-[0-9.]+","#
                + #""publish_ready":true,"version":"9\.5\.2"\}\n$"#
            #expect(try Regex(expected).wholeMatch(in: response.text) != nil)
        }
        #expect(answer("HEAD").status == 200)
    }

    @Test("says nothing to who is not authenticated, and still answers")
    func probe() {
        let response = answer("GET", accept: "*/*", isAuthenticated: false)
        #expect(response.status == 200 && response.body.isEmpty)
    }

    @Test("refuses other methods as Elastic's does", arguments: ["POST", "PUT", "OPTIONS"])
    func otherMethods(method: String) {
        let response = answer(method)
        #expect(response.status == 405)
        #expect(
            response.text == """
                {"error":"method not supported: this is the server information endpoint; \
                did you mean to send data to another endpoint instead?"}

                """
        )
    }
}

@Suite("Answer")
struct AnswerTests {
    @Test(
        "indents as Go does",
        arguments: [
            ("{}", "{}\n"),
            (
                #"{"a":[1,{"b":[]}],"c":"x\"{,:}\\"}"#,
                "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": \"x\\\"{,:}\\\\\"\n}\n"
            ),
        ] as [(String, String)]
    )
    func indents(compact: String, indented: String) {
        let request = HTTPRequest(method: "GET", path: "/", headers: [.init("Accept", "application/json")])
        #expect(Answer.json(Array(compact.utf8), to: request).text == indented)
    }
}
