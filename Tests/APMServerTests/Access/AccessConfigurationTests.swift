import Common
import Testing

@testable import APMServer

@Suite("Access configuration")
struct AccessConfigurationTests {
    private func read(_ text: String) throws -> (AccessConfiguration, AgentConfigurationSettings) {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "c.yml")
        let configuration = AccessConfiguration(reader)
        let agents = AgentConfigurationSettings(reader)
        try reader.finish()
        return (configuration, agents)
    }

    @Test("is open by default")
    func defaults() throws {
        let (access, agents) = try read("")
        #expect(access.secretToken.isEmpty && !access.apiKey.isEnabled && access.apiKey.limit == 100)
        #expect(access.anonymous == AnonymousConfiguration() && access.rum == RUMConfiguration())
        #expect(access.anonymous.allowAgent == ["rum-js", "js-base"] && !access.anonymous.isEnabled)
        #expect(access.anonymous.eventLimit == 300 && access.anonymous.ipLimit == 1000)
        #expect(access.rum.allowOrigins == ["*"] && access.responseHeaders.isEmpty)
        #expect(agents.expiration == .seconds(30) && agents.isStoreRead && agents.configured.isEmpty)
        #expect(agents.elasticsearch == nil && access.apiKey.elasticsearch == nil)
    }

    @Test(
        "lets anonymous clients in exactly when RUM is on and credentials are asked for, unless told otherwise",
        arguments: [
            ("rum.enabled: true", false),
            ("auth.secret_token: x", false),
            ("{auth.secret_token: x, rum.enabled: true}", true),
            ("{auth.api_key.enabled: true, rum.enabled: true}", true),
            ("{auth: {secret_token: x, anonymous.enabled: false}, rum.enabled: true}", false),
            ("auth: {secret_token: x, anonymous.enabled: true}", true),
        ] as [(String, Bool)]
    )
    func anonymous(text: String, isEnabled: Bool) throws {
        #expect(try read(text).0.anonymous.isEnabled == isEnabled)
    }

    @Test("reads every key")
    func all() throws {
        let (access, agents) = try read(
            """
            auth:
              secret_token: sesame
              api_key: {enabled: true, limit: 7, elasticsearch: {hosts: ["http://keys:9200"]}}
              anonymous: {allow_agent: [], allow_service: [shop], rate_limit: {event_limit: 5, ip_limit: 6}}
            rum:
              enabled: true
              allow_origins: ["https://*.example"]
              allow_headers: [X-Trace]
              response_headers: {X-Frame-Options: DENY}
            response_headers:
              Strict-Transport-Security: max-age=1
              X-Two: [a, b]
            agent.config:
              cache.expiration: 60s
              elasticsearch: {enabled: false}
            agent_configuration:
              - service: {name: shop, environment: production}
                agent_name: python
                settings: {transaction_sample_rate: 0.5, capture_headers: false}
              - settings: {log_level: "off"}
            """
        )
        #expect(access.secretToken == "sesame" && access.apiKey.limit == 7)
        #expect(access.apiKey.elasticsearch?.hosts.map(\.origin) == ["http://keys:9200"])
        #expect(access.anonymous.allowAgent == [] && access.anonymous.allowService == ["shop"])
        #expect(access.anonymous.eventLimit == 5 && access.anonymous.ipLimit == 6)
        #expect(access.rum.allowOrigins == ["https://*.example"] && access.rum.allowHeaders == ["X-Trace"])
        #expect(access.rum.responseHeaders == [.init("X-Frame-Options", "DENY")])
        #expect(
            access.responseHeaders == [
                .init("Strict-Transport-Security", "max-age=1"), .init("X-Two", "a"), .init("X-Two", "b"),
            ]
        )
        #expect(agents.expiration == .seconds(60) && !agents.isStoreRead && agents.elasticsearch == nil)
        #expect(agents.configured.map(\.service) == ["shop", ""])
        #expect(
            agents.configured[0].environment == "production" && agents.configured[0].agentName == "python"
        )
        #expect(
            String(decoding: agents.configured[0].json, as: UTF8.self)
                == #"{"transaction_sample_rate":"0.5","capture_headers":"false"}"#
        )
        #expect(
            agents.configured[0].etag.count == 32 && agents.configured[0].etag != agents.configured[1].etag
        )
    }

    @Test(
        "refuses",
        arguments: [
            (
                "response_headers: {\"a b\": c}",
                "c.yml:1: response_headers.a b: is not a header: names have no blanks, values no line ends"
            ),
            (
                "rum.response_headers: {a: \"b\\r\\nSet-Cookie: c\"}",
                "c.yml:1: rum.response_headers.a: is not a header: names have no blanks, values no line ends"
            ),
            (
                "rum:\n  enabled: true\n  allow_headers: [\"a,b\"]",
                "c.yml:3: rum.allow_headers: \"a,b\" is not the name of a header"
            ),
            (
                "agent.config.cache.expiration: 1500ms",
                "c.yml:1: agent.config.cache.expiration: is whole seconds, because HTTP counts in them"
            ),
            ("auth.api_key.limit: 0", "c.yml:1: auth.api_key.limit: 0 is out of range; use 1 to 100000"),
        ] as [(String, String)]
    )
    func refuses(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description == message)
    }
}
