import Common
import Testing

@testable import APMServer

@Suite("Tail policies")
struct TailPolicyTests {
    private func read(_ text: String) throws -> TailConfiguration {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "apm-server.yml")
        let configuration = TailConfiguration(reader.section("sampling").section("tail"))
        try reader.finish()
        return configuration
    }

    /// Each policy keeps all or nothing, so that the answer tells which one counted.
    private static let policies = TailPolicies([
        TailPolicy(serviceName: "shop", traceOutcome: .failure, sampleRate: 1),
        TailPolicy(serviceName: "shop", serviceEnvironment: "test", sampleRate: 0),
        TailPolicy(traceName: "GET /\"health\"", sampleRate: 0),
        TailPolicy(serviceName: "shop", sampleRate: 1),
        TailPolicy(sampleRate: 0),
    ])

    @Test(
        "the first that fits counts",
        arguments: [
            ("shop", "test", "GET /", Outcome.failure, true),
            ("shop", "test", "GET /", .success, false),
            ("shop", "production", #"GET /\"health\""#, .success, false),
            ("shop", "", "GET /", .unknown, true),
            ("shop2", "", "GET /", .failure, false),
        ]
    )
    func firstMatch(service: String, environment: String, name: String, outcome: Outcome, isKept: Bool) {
        let (service, environment, name) = (Array(service.utf8), Array(environment.utf8), Array(name.utf8))
        let answer = Self.policies.keeps(
            TraceKey(service.span.bytes),
            service: service.span.bytes,
            environment: environment.span.bytes,
            name: name.span.bytes,
            outcome: outcome
        )
        #expect(answer == isKept)
    }

    @Test("a rate keeps that share of traces, the same ones every time", arguments: [0, 0.1, 0.5, 1])
    func rates(rate: Double) {
        func kept() -> [Int] {
            let policies = TailPolicies([TailPolicy(sampleRate: rate)])
            return (0..<10_000).filter { number in
                let id = Array("trace-\(number)".utf8)
                let none: [UInt8] = []
                return policies.keeps(
                    TraceKey(id.span.bytes),
                    service: none.span.bytes,
                    environment: none.span.bytes,
                    name: none.span.bytes,
                    outcome: .unknown
                )
            }
        }
        let first = kept()
        #expect(first == kept())
        #expect(abs(Double(first.count) - rate * 10_000) < 200)
        if rate == 0 || rate == 1 { #expect(first.count == Int(rate) * 10_000) }
    }

    @Test("are read from the configuration, with defaults")
    func configuration() throws {
        #expect(try read("") == TailConfiguration())
        let all = try read(
            """
            sampling:
              tail:
                enabled: true
                interval: 2m
                ttl: 1h
                storage_limit: 1GB
                disk_usage_threshold: 0.5
                discard_on_write_failure: true
                policies:
                  - service: {name: shop, environment: live}
                    trace.name: GET /
                    trace.outcome: failure
                    sample_rate: 1
                  - sample_rate: 0.25
            """
        )
        #expect(all.isEnabled && all.discardsOnWriteFailure && all.diskUsageThreshold == 0.5)
        #expect(all.interval == .seconds(120) && all.ttl == .seconds(3600))
        #expect(
            all.policies == [
                TailPolicy(
                    serviceName: "shop",
                    serviceEnvironment: "live",
                    traceName: "GET /",
                    traceOutcome: .failure,
                    sampleRate: 1
                ),
                TailPolicy(sampleRate: 0.25),
            ]
        )
    }

    @Test(
        "are refused",
        arguments: [
            (
                "enabled: true",
                "policies: no policy for all other traces; add one with a sample_rate only"
            ),
            (
                "{enabled: true, policies: [{service.name: a, sample_rate: 1}]}",
                "policies: no policy for all other traces; add one with a sample_rate only"
            ),
            (
                "{policies: [{sample_rate: 1.5}]}",
                "policies.0.sample_rate: expected a number from 0 to 1, found \"1.5\""
            ),
            ("{policies: [{}]}", "policies.0.sample_rate: missing; give a number from 0 to 1"),
            (
                "{policies: [{trace.outcome: good, sample_rate: 1}]}",
                "policies.0.trace.outcome: \"good\" is not a choice; use one of: success, failure, unknown"
            ),
        ] as [(String, String)]
    )
    func refused(tail: String, message: String) {
        do {
            _ = try read("sampling: {tail: \(tail.contains("{") ? tail : "{\(tail)}")}")
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("sampling.tail.\(message)"))
        }
    }
}
