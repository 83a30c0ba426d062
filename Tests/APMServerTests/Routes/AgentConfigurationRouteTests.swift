import Common
import Testing

@testable import APMServer

@Suite("Agent configuration route")
struct AgentConfigurationRouteTests {
    private static let shop = AgentConfiguration(
        service: "shop",
        environment: "production",
        agentName: "rum-js",
        etag: "e1",
        settings: [
            .init(name: "log_level", value: "off"), .init(name: "transaction_sample_rate", value: "0.5"),
        ]
    )
    private static let python = AgentConfiguration(
        service: "api",
        agentName: "python",
        etag: "e2",
        settings: [.init(name: "transaction_sample_rate", value: "1")]
    )
    private static let fresh = "max-age=30, must-revalidate"
    private static let stale = "max-age=300, must-revalidate"

    private func route(_ configurations: AgentConfigurations? = nil) -> AgentConfigurationRoute {
        let known = AgentConfigurations(configured: [Self.shop, Self.python], isStoreRead: false)
        return AgentConfigurationRoute(
            configurations ?? known,
            rules: AnonymousRules(agents: ["rum-js", "js-base"], services: []),
            defaultEnvironment: "production",
            expiration: .seconds(30)
        )
    }

    private func get(
        _ parameters: [String: String],
        _ identity: Identity = .everything,
        etag: String? = nil,
        _ route: AgentConfigurationRoute? = nil
    ) -> HTTPResponse? {
        let request = HTTPRequest(
            method: "GET",
            path: "/config/v1/agents",
            query: parameters.map { HTTPRequest.Field($0.key, $0.value) },
            headers: etag.map { [.init("If-None-Match", $0)] } ?? []
        )
        return (route ?? self.route()).open(request, identity).response
    }

    private func post(_ body: [UInt8], _ headers: [HTTPRequest.Field] = []) -> HTTPResponse? {
        let request = HTTPRequest(method: "POST", path: "/config/v1/agents", headers: headers)
        guard let stream = route().open(request, .everything).stream else { return nil }
        for byte in body {
            if let response = withUnsafeBytes(of: byte, { stream.receive($0.bytes) }).response {
                return response
            }
        }
        return stream.finish().response
    }

    @Test(
        "answers with the best match",
        arguments: [
            (["service.name": "shop", "service.environment": "production"], "e1"),
            (["service.name": "shop"], "e1"), (["service.name": "shop", "service.environment": "test"], "-"),
            (["service.name": "api", "service.environment": "test"], "e2"), (["service.name": "other"], "-"),
        ] as [([String: String], String)]
    )
    func found(parameters: [String: String], etag: String) {
        let response = get(parameters)
        #expect(response?.status == 200)
        #expect(response?.header("Etag") == "\"\(etag)\"")
        #expect(response?.header("Cache-Control") == Self.fresh)
        #expect(response?.header("Access-Control-Expose-Headers") == "Etag")
        let bodies = ["-": "{}\n", "e2": "{\"transaction_sample_rate\":\"1\"}\n"]
        let shop = "{\"log_level\":\"off\",\"transaction_sample_rate\":\"0.5\"}\n"
        #expect(response?.text == bodies[etag] ?? shop)
    }

    @Test("answers 304 for what the agent has, and notes that it has it")
    func notModified() {
        let configurations = AgentConfigurations(configured: [Self.shop], isStoreRead: false)
        let route = route(configurations)
        for etag in ["\"e1\"", "e1"] {
            let response = get(["service.name": "shop"], etag: etag, route)
            #expect(response?.status == 304 && response?.body.isEmpty == true)
            #expect(response?.header("Etag") == "\"e1\"" && response?.header("Cache-Control") == Self.fresh)
        }
        #expect(get(["service.name": "shop", "ifnonematch": "\"e1\""], route)?.status == 304)
        #expect(get(["service.name": "shop", "ifnonematch": "e1"], etag: "", route)?.status == 304)
        #expect(get(["service.name": "shop"], etag: "\"e0\"", route)?.status == 200)
        #expect(configurations.takeApplied() == ["e1"])
        #expect(get(["service.name": "other"], etag: "\"-\"", route)?.status == 304)
        #expect(configurations.takeApplied() == [])
    }

    private func get(_ parameters: [String: String], _ route: AgentConfigurationRoute) -> HTTPResponse? {
        get(parameters, .everything, route)
    }

    @Test("shows anonymous clients the sample rate, of agents that they may be")
    func anonymous() {
        let shop = get(["service.name": "shop"], .anonymous)
        #expect(shop?.text == "{\"transaction_sample_rate\":\"0.5\"}\n" && shop?.header("Etag") == "\"e1\"")
        let api = get(["service.name": "api"], .anonymous)
        #expect(api?.text == "{}\n" && api?.header("Etag") == "\"-\"")
        #expect(get([:], .anonymous)?.text == "{\"error\":\"invalid query\"}\n")
    }

    @Test("refuses, with the time to wait before the next try")
    func refuses() {
        let missing = get([:])
        #expect(missing?.status == 400 && missing?.text == "{\"error\":\"service.name is required\"}\n")
        let put = route().open(HTTPRequest(method: "PUT", path: "/"), .everything).response
        #expect(put?.status == 405 && put?.text == "{\"error\":\"method not supported: PUT\"}\n")
        let denied = get(["service.name": "shop"], .apiKey(.writeEvents))
        #expect(denied?.status == 403 && denied?.text.hasPrefix("{\"error\":\"unauthorized: ") == true)
        let unread = route(AgentConfigurations(configured: [], isStoreRead: true))
        let away = get(["service.name": "shop"], .everything, unread)
        #expect(away?.status == 503)
        for response in [missing, put, denied, away] {
            #expect(response?.header("Cache-Control") == Self.stale)
        }
        #expect(get(["service.name": "shop"], .apiKey(.readConfiguration))?.status == 200)
    }

    private func get(
        _ parameters: [String: String],
        _ identity: Identity,
        _ route: AgentConfigurationRoute
    ) -> HTTPResponse? {
        get(parameters, identity, etag: nil, route)
    }

    @Test("reads the question from a body, compressed or not")
    func bodies() {
        let question = #"{"service":{"name":"sh\u006fp","environment":null}}"#
        #expect(post(Array(question.utf8))?.header("Etag") == "\"e1\"")
        let bytes = Array(question.utf8)
        for (format, encoding) in [(DeflateFormat.gzip, "gzip"), (.zlib, "deflate"), (.gzip, "")] {
            var packed = ByteBuffer()
            DeflateCompressor(level: 1).compress(bytes.span.bytes, as: format, into: &packed)
            let response = post(packed.array, encoding.isEmpty ? [] : [.init("Content-Encoding", encoding)])
            #expect(response?.header("Etag") == "\"e1\"")
        }
        for bad in ["", "[]", "{", #"{"service":{"name":1}}"#] {
            #expect(post(Array(bad.utf8))?.text == "{\"error\":\"invalid query\"}\n")
        }
        #expect(post(Array(#"{"service":"x"}"#.utf8))?.text == "{\"error\":\"service.name is required\"}\n")
        #expect(post([1, 2, 3], [.init("Content-Encoding", "gzip")])?.status == 400)
        #expect(post(Array(repeating: 0x20, count: 100_000))?.status == 400)
    }
}
