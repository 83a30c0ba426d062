import Common
import Testing

@testable import APMServer

@Suite("Router")
struct RouterTests {
    private static let unused = ElasticsearchSettings(hosts: [])

    private func access(
        _ text: String,
        _ elasticsearch: ElasticsearchSettings = unused,
        metrics: Metrics = Metrics()
    ) throws -> Access {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "c.yml")
        return try Access(AccessConfiguration(reader), elasticsearch: elasticsearch, metrics: metrics)
    }

    /// A router whose routes answer 202 with what they were told.
    private func router(_ access: Access) -> Router {
        let router = Router(access)
        let open: Router.Opener = { request, admission, _ in
            let who = admission.identity.map { "\($0)" } ?? "nobody"
            return .respond(
                HTTPResponse(status: 202, body: Array("\(who), gate: \(admission.gate != nil)".utf8))
            )
        }
        router.on("/", for: .anyone, open)
        router.on("/healthz", for: .everyone, open)
        router.on("/intake/v2/events", for: .agents, open)
        router.on("/intake/v2/rum/events", for: .browsers, open)
        return router
    }

    private func request(_ method: String, _ path: String, _ headers: [String: String]) -> HTTPRequest {
        let fields = headers.map { HTTPRequest.Field($0.key, $0.value) }
        return HTTPRequest(method: method, path: path, headers: fields, peer: "192.0.2.1")
    }

    private static let token = "auth.secret_token: sesame\n"
    private static let rum = "rum: {enabled: true, allow_origins: [\"https://a\"]}\n"
    private static let bearer = ["Authorization": "Bearer sesame"]
    private static let page = ["Origin": "https://a"]

    @Test(
        "checks path, origin, credentials and the switch, in this order",
        arguments: [
            ("", "POST", "/intake/v2/nothing", [:], 404, "{\"error\":\"404 page not found\"}\n"),
            ("", "POST", "/intake/v2/events", [:], 202, "everything, gate: false"),
            ("", "GET", "/", [:], 202, "everything, gate: false"),
            (token, "GET", "/", [:], 202, "nobody, gate: false"),
            (token + rum, "GET", "/", [:], 202, "nobody, gate: false"),
            (token, "GET", "/", bearer, 202, "everything, gate: false"),
            (token, "GET", "/healthz", [:], 202, "nobody, gate: false"),
            (token, "POST", "/intake/v2/events", bearer, 202, "everything, gate: false"),
            (
                token, "GET", "/intake/v2/events", ["Authorization": "Bearer x"], 401,
                "{\"error\":\"authentication failed\"}\n"
            ),
            (token + rum, "POST", "/intake/v2/rum/events", page, 202, "anonymous, gate: true"),
            (token + rum, "POST", "/intake/v2/events", [:], 202, "anonymous, gate: true"),
            (rum, "POST", "/intake/v2/rum/events", page, 202, "everything, gate: false"),
            (
                token + rum, "POST", "/intake/v2/rum/events", ["Origin": "https://b"], 403,
                "{\"error\":\"forbidden request: origin: 'https://b' is not allowed\"}\n"
            ),
            (
                token, "POST", "/intake/v2/rum/events", ["Authorization": "Bearer x"], 401,
                "{\"error\":\"authentication failed\"}\n"
            ),
            (
                "", "POST", "/intake/v2/rum/events", [:], 403,
                "{\"error\":\"forbidden request: RUM endpoint is disabled. Configure the `apm-server.rum` section in "
                    + "apm-server.yml to enable ingestion of RUM events. If you are not using the RUM agent, you can "
                    + "safely ignore this error.\"}\n"
            ),
        ] as [(String, String, String, [String: String], Int, String)]
    )
    func order(
        configuration: String,
        method: String,
        path: String,
        headers: [String: String],
        status: Int,
        body: String
    ) throws {
        let router = router(try access(configuration))
        let opening = router.open(request(method, path, headers), TestExchange(), now: 0)
        #expect(opening.response?.status == status)
        #expect(opening.response?.text == body)
    }

    @Test("adds the configured headers to every answer")
    func headers() throws {
        let text = "response_headers: {X-A: a}\nrum: {enabled: true, response_headers: {X-B: b}}\n"
        let router = router(try access(text))
        for (method, path, expected) in [
            ("POST", "/intake/v2/events", ["X-A"]), ("GET", "/nothing", ["X-A"]),
            ("POST", "/intake/v2/rum/events", ["X-A", "X-B", "Access-Control-Allow-Origin"]),
            ("OPTIONS", "/intake/v2/rum/events", ["X-A", "X-B", "Access-Control-Allow-Origin"]),
        ] {
            let response = router.open(request(method, path, Self.page), TestExchange(), now: 0).response
            for name in ["X-A", "X-B", "Access-Control-Allow-Origin"] {
                #expect((response?.header(name) != nil) == expected.contains(name), "\(path) \(name)")
            }
        }
    }

    @Test("lets an anonymous client do so many requests, and counts what is refused")
    func rateLimit() throws {
        let metrics = Metrics()
        let text = Self.token + Self.rum + "auth.anonymous.rate_limit.event_limit: 1\n"
        let router = router(try access(text, metrics: metrics))
        for _ in 0..<3 {
            let opening = router.open(request("POST", "/intake/v2/events", [:]), TestExchange(), now: 0)
            #expect(opening.response?.status == 202)
        }
        let refused = router.open(request("POST", "/intake/v2/events", [:]), TestExchange(), now: 0).response
        #expect(refused?.status == 429)
        #expect(refused?.text == "{\"error\":\"too many requests: rate limit exceeded\"}\n")
        let other = request("POST", "/intake/v2/events", ["X-Real-IP": "192.0.2.2"])
        #expect(router.open(other, TestExchange(), now: 0).response?.status == 202)
        #expect(router.open(request("GET", "/", [:]), TestExchange(), now: 0).response?.status == 202)
        var json = ByteBuffer()
        metrics.appendJSON(to: &json)
        #expect(json.text.contains(#"{"reason":"rate_limit","value":1}"#))
    }

    // MARK: - API keys

    /// Keeps what it receives, and answers with it at the end.
    private final class Echo: HTTPBodyStream {
        private var body = ByteBuffer()

        func receive(_ bytes: RawSpan) -> HTTPStep {
            body.append(bytes)
            return .proceed
        }

        func finish() -> HTTPStep { .respond(HTTPResponse(status: 202, body: body.array)) }

        func resumed() -> HTTPStep { .wait }

        func cancelled() {}
    }

    /// A store that grants the key `a:b` to write events, once `gate` is open.
    private func store(_ gate: Signal) throws -> FakeElasticsearch {
        try FakeElasticsearch("/_security/user/_has_privileges") { request in
            #expect(gate.wait())
            guard request.header("Authorization") == "ApiKey YTpi" else { return HTTPResponse(status: 401) }
            return .json(Array(#"{"application":{"apm":{"-":{"event:write":true}}}}"#.utf8))
        }
    }

    @Test("holds a request back while Elasticsearch is asked")
    func pending() throws {
        let gate = Signal()
        let store = try store(gate)
        let access = try access("{auth.api_key.enabled: true, response_headers: {X-A: a}}", store.settings)
        defer {
            access.stop()
            store.stop()
        }
        let router = Router(access)
        router.on("/intake/v2/events", for: .agents) { _, _, _ in .stream(Echo()) }
        let exchange = TestExchange()
        let head = request("POST", "/intake/v2/events", ["Authorization": "ApiKey YTpi"])
        let stream = try #require(router.open(head, exchange, now: 0).waiting)
        guard case .wait = stream.resumed() else {
            Issue.record("it waits")
            return
        }
        gate.fire()
        #expect(exchange.signal.wait())
        guard case .proceed = stream.resumed(), case .proceed = stream.receive("body") else {
            Issue.record("it goes on")
            return
        }
        let response = stream.finish().response
        #expect(response?.status == 202 && response?.text == "body")
        #expect(response?.header("X-A") == "a")
        // The next request knows.
        #expect(router.open(head, exchange, now: Clock.monotonic).stream is RoutedStream)
        #expect(store.requests.count == 1)
    }

    @Test("refuses a wrong key when Elasticsearch has answered")
    func refused() throws {
        let gate = Signal()
        let store = try store(gate)
        let access = try access("auth.api_key.enabled: true", store.settings)
        defer {
            access.stop()
            store.stop()
        }
        let router = Router(access)
        router.on("/intake/v2/events", for: .agents) { _, _, _ in .stream(Echo()) }
        router.on("/", for: .anyone) { _, admission, _ in
            .respond(HTTPResponse(status: admission.identity == nil ? 200 : 500))
        }
        let exchange = TestExchange()
        let headers = ["Authorization": "ApiKey YTpj"]
        let stream = try #require(
            router.open(request("POST", "/intake/v2/events", headers), exchange, now: 0).waiting
        )
        let probe = try #require(router.open(request("GET", "/", headers), exchange, now: 0).waiting)
        let gone = try #require(
            router.open(request("POST", "/intake/v2/events", headers), exchange, now: 0).waiting
        )
        gone.cancelled()
        gate.fire()
        #expect(exchange.signal.wait(for: 3))
        let response = stream.resumed().response
        #expect(response?.status == 401 && response?.text == "{\"error\":\"authentication failed\"}\n")
        #expect(probe.resumed().response?.status == 200)
        guard case .wait = gone.resumed() else {
            Issue.record("there is nobody to answer")
            return
        }
    }
}
