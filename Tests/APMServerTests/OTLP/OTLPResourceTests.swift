import Common
import Testing

@testable import APMServer

@Suite("OTLP resources")
struct OTLPResourceTests {
    private static func metadata(
        name: String = "unknown",
        service: String = "",
        language: String = "unknown",
        runtime: String = "",
        agent: String = "otlp",
        version: String = "unknown",
        rest: String = "",
        labels: String = ""
    ) -> String {
        #"{"metadata":{\#(labels)"service":{"name":"\#(name)",\#(service)"language":{"name":"\#(language)"},"#
            + #"\#(runtime)"agent":{"name":"\#(agent)","version":"\#(version)"}}\#(rest)}}"#
    }

    private static func text(_ key: String, _ value: String) -> String {
        OTLPRequest.attribute(key, #""stringValue":"\#(value)""#)
    }

    private static let rows: [([String], String)] = [
        ([], metadata()),
        ([text("service.name", "")], metadata()),
        ([text("service.name", "a/b.c\u{E4}d \u{1F600}-_9")], metadata(name: "a_b_c_d _-_9")),
        (
            [text("telemetry.sdk.language", "go")],
            metadata(language: "go", agent: "otlp/go")
        ),
        (
            [
                text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.language", "java"),
                text("telemetry.sdk.version", "1.2"), text("telemetry.distro.name", "elastic"),
            ],
            metadata(language: "java", agent: "opentelemetry/java/elastic", version: "1.2")
        ),
        (
            [
                text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.2"),
                text("telemetry.distro.version", "3.4"),
            ],
            metadata(agent: "opentelemetry", version: "3.4")
        ),
        (
            [text("deployment.environment", "old"), text("deployment.environment.name", "new")],
            metadata(service: #""environment":"new","#)
        ),
        (
            [text("process.runtime.name", "x")],
            metadata(runtime: #""runtime":{"name":"x","version":""},"#)
        ),
        // Without a pid there can be no process, without a provider there can be a cloud.
        ([text("process.parent_pid", "7")], metadata()),
        (
            [text("process.pid", "7"), OTLPRequest.attribute("process.parent_pid", #""intValue":"8""#)],
            metadata(rest: #","process":{"pid":7,"ppid":8}"#)
        ),
        (
            [text("cloud.account.id", "7")],
            metadata(rest: #","cloud":{"provider":"","account":{"id":"7"}}"#)
        ),
        (
            [OTLPRequest.attribute("service.version", #""doubleValue":1.5"#)],
            metadata(service: #""version":"1.5","#)
        ),
        (
            [text("user.id", "u"), text("network.connection.type", "wifi")],
            metadata(rest: #","user":{"id":"u"},"network":{"connection":{"type":"wifi"}}"#)
        ),
        (
            [
                text("os.version", "12"),
                OTLPRequest.attribute("host.ip", #""arrayValue":{"values":[{"stringValue":"::1"}]}"#),
                OTLPRequest.attribute("b", #""boolValue":true"#),
            ],
            metadata(labels: #""labels":{"os.version":"12","host.ip":"[\"::1\"]","b":true},"#)
        ),
    ]

    @Test("become metadata", arguments: rows)
    func metadata(attributes: [String], expected: String) throws {
        let translation = try OTLPTranslation(
            .traces,
            json: OTLPRequest.resource(attributes.joined(separator: ","))
        )
        #expect(translation.lines == [expected])
    }

    @Test("are unknown when there are none, and end with the next")
    func several() throws {
        let span = #"{"scopeSpans":[{"spans":[{\#(OTLPRequest.ids)}]}]}"#
        let translation = try OTLPTranslation(.traces, json: #"{"resourceSpans":[\#(span),\#(span)]}"#)
        #expect(translation.items == [-1, 1, -1, 1])
        #expect(translation.lines[0] == Self.metadata())
    }

    @Test("have a bound on their labels")
    func labels() throws {
        let label = Self.text("k", String(repeating: "x", count: 1000))
        let translation = try OTLPTranslation(
            .traces,
            json: OTLPRequest.resource(Array(repeating: label, count: 1000).joined(separator: ","))
        )
        #expect(translation.lines[0].utf8.count < 70_000)
    }
}
