import Common
import Synchronization
import Testing

@Suite("Test of the way to Elasticsearch")
struct ElasticsearchTestTests {
    private static let product =
        #"{"version":{"number":"8.15.3"},"tagline":"You Know, for Search","has_all_requested":true}"#

    /// - Returns: the verdict, and the lines behind the first.
    private func run(
        _ store: FaultyStore,
        scheme: String = "http",
        _ change: (inout ElasticsearchSettings) -> Void = { _ in }
    ) throws -> (isGood: Bool, lines: [String]) {
        var settings = ElasticsearchSettings(
            hosts: [try HTTPServerAddress("\(scheme)://127.0.0.1:\(store.port)")]
        )
        settings.http.timeout = .seconds(10)
        change(&settings)
        let lines = Mutex<[String]>([])
        let isGood = ElasticsearchTest(settings, patterns: ["a*", "b*"]) { line in
            lines.withLock { $0.append(line) }
        }.run()
        return (isGood, lines.withLock { Array($0.dropFirst()) })
    }

    @Test("goes all the way, and asks for what the service needs")
    func good() throws {
        let store = try FaultyStore { _ in .status(200, Self.product) }
        defer { store.stop() }
        let (isGood, lines) = try run(store) { $0.http.credentials = .basic(username: "u", password: "p") }
        #expect(isGood)
        #expect(
            lines == [
                "  resolve      OK    127.0.0.1", "  connect      OK",
                "  answer       OK    Elasticsearch 8.15.3", "  credentials  OK    user u",
                "  privileges   OK    may write a*, b*",
            ]
        )
        let question = try #require(store.requests.last)
        #expect(question.path == "/_security/user/_has_privileges")
        #expect(
            question.body
                == #"{"index":[{"names":["a*","b*"],"privileges":["create_doc","auto_configure"]}]}"#
        )
    }

    @Test(
        "says which credentials are refused",
        arguments: [
            (
                HTTPClientSettings.Credentials.none, 401,
                "status 401: credentials are needed; see username and api_key"
            ),
            (
                .basic(username: "u", password: "secret"), 401,
                "status 401: user u is unknown or the password is wrong"
            ),
            (.apiKey("id:secret"), 401, "status 401: the API key is unknown, expired or incomplete"),
            (
                .apiKey("id:secret"), 403,
                "status 403: these credentials may not ask what the store is; grant the cluster privilege monitor"
            ),
        ]
    )
    func credentials(_ given: HTTPClientSettings.Credentials, _ status: Int, _ reason: String) throws {
        let store = try FaultyStore { _ in .status(status, "") }
        defer { store.stop() }
        let (isGood, lines) = try run(store) { $0.http.credentials = given }
        #expect(!isGood)
        #expect(lines.dropFirst(2) == ["  answer       OK", "  credentials  FAILED", "    \(reason)"])
    }

    @Test(
        "says what the answer about privileges means",
        arguments: [
            (400, "", "  privileges   OK    not asked: the store has no security"),
            (500, "", "  privileges   OK    not asked: the store has no security"),
            (503, "a\r\n b", "    status 503 a b"), (401, "no", "    status 401 no"),
            (
                200, #"{"has_all_requested":false}"#,
                "    may not write all of a*, b*; grant create_doc and auto_configure"
            ),
        ]
    )
    func privileges(_ status: Int, _ body: String, _ last: String) throws {
        let store = try FaultyStore { $0.path == "/" ? .status(200, Self.product) : .status(status, body) }
        defer { store.stop() }
        let (isGood, lines) = try run(store)
        #expect(isGood == last.hasPrefix("  privileges"))
        #expect(lines.last == last)
    }

    @Test("tells a failed handshake from a failed answer")
    func protocols() throws {
        let plain = try FaultyStore { _ in .status(200, Self.product) }
        defer { plain.stop() }
        let handshake = try run(plain, scheme: "https")
        #expect(!handshake.isGood && handshake.lines.dropFirst(2).first == "  TLS          FAILED")
        let cutting = try FaultyStore { _ in .cut }
        defer { cutting.stop() }
        let cut = try run(cutting)
        #expect(!cut.isGood && cut.lines.dropFirst(2).first == "  answer       FAILED")
        #expect(cut.lines.last?.hasSuffix("; if the server speaks TLS, use https:// for this host") == true)
    }
}
