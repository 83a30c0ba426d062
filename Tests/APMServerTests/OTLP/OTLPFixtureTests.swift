import Common
import Testing

@testable import APMServer

@Suite("OTLP requests of the Python SDK")
struct OTLPFixtureTests {
    @Test("say the same in protobuf and in JSON", arguments: OTLPFixture.names)
    func twins(name: String, signal: OTLPSignal) throws {
        let protobuf = try OTLPTranslation(
            signal,
            .protobuf,
            OTLPFixture.bytes(name, signal, .protobuf)
        )
        let json = try OTLPTranslation(signal, .json, OTLPFixture.bytes(name, signal, .json))
        #expect(protobuf == json)
        #expect(protobuf.tally.rejected == 0)
        #expect(protobuf.items.filter { $0 > 0 }.reduce(0, +) == protobuf.tally.items)
    }

    /// Kind of event, and what begins its line behind the ids.
    @Test(
        "become the lines that they should",
        arguments: [
            (
                "flask", .traces,
                ["span", "transaction", "transaction", "transaction", "error", "transaction", "span"]
            ),
            ("flask", .logs, ["log"]),
            ("manual", .traces, ["transaction", "span", "log", "error", "span", "span", "transaction"]),
            ("manual", .logs, ["log", "log", "error"]),
            ("manual", .metrics, ["metricset", "metricset", "metricset"]),
        ] as [(String, OTLPSignal, [String])]
    )
    func kinds(name: String, signal: OTLPSignal, expected: [String]) throws {
        let translation = try OTLPTranslation(
            signal,
            .protobuf,
            OTLPFixture.bytes(name, signal, .protobuf)
        )
        let kinds = translation.events.map { String($0.dropFirst(2).prefix { $0 != "\"" }) }
        #expect(kinds == expected)
    }

    @Test("keep the resource")
    func metadata() throws {
        let translation = try OTLPTranslation(
            .traces,
            .protobuf,
            OTLPFixture.bytes("manual", .traces, .protobuf)
        )
        let expected =
            #"{"metadata":{"labels":{"team":"checkout","tier":2},"#
            + #""service":{"name":"shop_web","version":"2.1.0","environment":"staging","#
            + #""node":{"configured_name":"shop-1"},"language":{"name":"python"},"#
            + #""runtime":{"name":"cpython","version":"3.11.2"},"#
            + #""agent":{"name":"opentelemetry/python","version":"1.45.1"}},"#
            + #""process":{"pid":4711,"argv":["python","shop.py"]},"#
            + #""system":{"detected_hostname":"web-01","architecture":"amd64","platform":"linux","#
            + #""container":{"id":"c0ffee"},"kubernetes":{"namespace":"shops","node":{"name":"node-7"},"#
            + #""pod":{"name":"shop-abc","uid":"11-22"}}},"#
            + #""cloud":{"provider":"aws","region":"eu-central-1","service":{"name":"aws_eks"}}}}"#
        #expect(translation.lines.first == expected)
    }
}
