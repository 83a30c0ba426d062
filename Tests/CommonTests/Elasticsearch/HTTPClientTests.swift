import Common
import Foundation
import Testing

@Suite("HTTP client")
struct HTTPClientTests {
    private func get(_ address: String, _ settings: HTTPClientSettings) throws -> HTTPClient.Response {
        let client = try HTTPClient(settings)
        defer { client.close() }
        return try client.perform(.get, HTTPServerAddress(address), "/x")
    }

    private func failure(_ settings: HTTPClientSettings, _ address: String) -> HTTPClientError? {
        #expect(throws: HTTPClientError.self) { try get(address, settings) }
    }

    @Test("sends each method with its body and reads status, headers and body")
    func methods() throws {
        let store = try FaultyStore { request in
            .status(
                request.number == 3 ? 404 : 200,
                #"{"n":\#(request.number)}"#,
                headers: ["X-Elastic-Product: Elasticsearch", "Retry-After: 7"]
            )
        }
        defer { store.stop() }
        let client = try HTTPClient(HTTPClientSettings())
        defer { client.close() }
        let body = Array(#"{"a":1}"#.utf8)
        for (number, method) in [HTTPClient.Method.get, .head, .post, .put, .get].enumerated() {
            let sends = method == .post || method == .put
            let response = try body.withUnsafeBytes {
                try client.perform(method, store.address, "/p", body: sends ? $0 : nil)
            }
            #expect(response.status == (number == 3 ? 404 : 200))
            #expect(response.product == "Elasticsearch")
            #expect(response.retryAfter == .seconds(7))
            let text = client.withBody { $0.text(0..<$0.byteCount) }
            #expect(text == (method == .head ? "" : #"{"n":\#(number)}"#))
        }
        let seen = store.requests
        #expect(seen.map(\.method) == ["GET", "HEAD", "POST", "PUT", "GET"])
        #expect(seen.map(\.body) == ["", "", #"{"a":1}"#, #"{"a":1}"#, ""])
        #expect(seen[2].headers["content-type"] == "application/json")
        #expect(seen[2].headers["expect"] == nil)
        #expect(seen[0].headers["accept-encoding"] == "gzip")
        #expect(seen[0].headers["authorization"] == nil)
    }

    @Test(
        "sends credentials",
        arguments: [
            (.basic(username: "elastic", password: "p:w"), "Basic ZWxhc3RpYzpwOnc="),
            (.apiKey("id:key"), "ApiKey aWQ6a2V5"),
            (.apiKey("aWQ6a2V5"), "ApiKey aWQ6a2V5"),
        ] as [(HTTPClientSettings.Credentials, String)]
    )
    func credentials(_ credentials: HTTPClientSettings.Credentials, header: String) throws {
        let store = try FaultyStore { _ in .status(200, "{}") }
        defer { store.stop() }
        var settings = HTTPClientSettings()
        settings.credentials = credentials
        _ = try get("http://127.0.0.1:\(store.port)", settings)
        #expect(store.requests.first?.headers["authorization"] == header)
    }

    @Test(
        "says what is wrong with an answer",
        arguments: [
            (.half("{"), .cut("transfer closed with 1 bytes remaining to read")),
            (.cut, .cut("Empty reply from server")),
            (.raw("SSH-2.0-OpenSSH_9.2\r\n"), .notHTTP),
            (.silence, .timeout),
            (.status(200, String(repeating: "x", count: 2000)), .responseTooLarge(limitBytes: 1000)),
        ] as [(FaultyStore.Answer, HTTPClientError.Reason)]
    )
    func badAnswers(_ answer: FaultyStore.Answer, reason: HTTPClientError.Reason) throws {
        let store = try FaultyStore { _ in answer }
        defer { store.stop() }
        var settings = HTTPClientSettings()
        settings.timeout = .milliseconds(300)
        settings.maxResponseBytes = 1000
        let address = "http://127.0.0.1:\(store.port)"
        let error = failure(settings, address)
        #expect(error == HTTPClientError(reason, server: address))
        #expect(error?.isConnectFailure == false)
    }

    @Test("does not follow redirects")
    func redirect() throws {
        let store = try FaultyStore { _ in .status(302, "", headers: ["Location: /y"]) }
        defer { store.stop() }
        #expect(try get("http://127.0.0.1:\(store.port)", HTTPClientSettings()).status == 302)
        #expect(store.requests.count == 1)
    }

    @Test("tells a refused connection from an unknown host, and never repeats a credential")
    func noConnection() throws {
        let store = try FaultyStore { _ in .cut }
        let port = store.port
        store.stop()
        var settings = HTTPClientSettings()
        settings.credentials = .basic(username: "elastic", password: "sesame")
        let refused = failure(settings, "http://127.0.0.1:\(port)")
        #expect(refused?.reason == .refused)
        #expect(refused?.isConnectFailure == true)
        #expect(refused?.description.contains("sesame") == false)
        #expect(failure(settings, "http://no-such-host.invalid:9200")?.reason == .unknownHost)
    }

    @Test("stops a running request")
    func cancels() throws {
        let store = try FaultyStore { _ in .silence }
        defer { store.stop() }
        let cancellation = HTTPClient.Cancellation()
        let client = try HTTPClient(HTTPClientSettings(), cancellation: cancellation)
        defer { client.close() }
        cancellation.cancel()
        let error = #expect(throws: HTTPClientError.self) { try client.perform(.get, store.address, "/") }
        #expect(error?.reason == .cancelled)
    }

    @Test("refuses certificate files and keys that cannot be used")
    func configuration() {
        var settings = HTTPClientSettings()
        settings.certificateAuthorities = ["/nowhere/ca.pem"]
        let missing = failure(settings, "https://127.0.0.1:9200")
        #expect(missing?.description == "tls: cannot read /nowhere/ca.pem: No such file or directory")
        settings = HTTPClientSettings()
        settings.credentials = .apiKey("a\r\nX: y")
        #expect(failure(settings, "http://127.0.0.1:9200")?.isConnectFailure == true)
    }
}
