import Common
import Testing

@testable import APMServer

@Suite("Agent configuration")
struct AgentConfigurationTests {
    private func configuration(_ service: String, _ environment: String, _ etag: String) -> AgentConfiguration
    {
        AgentConfiguration(service: service, environment: environment, etag: etag, settings: [])
    }

    private func etag(_ configurations: AgentConfigurations, _ service: String, _ environment: String)
        -> String
    {
        switch configurations.find(service: service, environment: environment) {
        case .found(let found): found.etag
        case .nothing: "nothing"
        case .unavailable: "unavailable"
        }
    }

    @Test("prefers name and environment, then the name, then the environment, then what is for all")
    func best() {
        let all = [
            configuration("", "", "4"), configuration("", "p", "3"), configuration("a", "", "2"),
            configuration("a", "p", "1"),
        ]
        let cases = [
            ("a", "p", "1"), ("a", "q", "2"), ("b", "p", "3"), ("b", "q", "4"), ("a", "", "2"),
            ("b", "", "4"),
        ]
        for (service, environment, expected) in cases {
            #expect(all.best(service: service, environment: environment)?.configuration.etag == expected)
        }
        #expect(all.dropLast(0).filter { $0.etag == "1" }.best(service: "a", environment: "") == nil)
    }

    @Test("joins the file's and the store's: the better fits, of equals the file's")
    func sources() {
        let own = [configuration("a", "", "file-a"), configuration("b", "", "file-b")]
        let configurations = AgentConfigurations(configured: own, isStoreRead: true)
        #expect(etag(configurations, "a", "p") == "file-a")
        #expect(etag(configurations, "c", "p") == "unavailable")
        configurations.update(stored: [
            configuration("a", "p", "store-ap"), configuration("b", "", "store-b"),
        ])
        #expect(etag(configurations, "a", "p") == "store-ap")
        #expect(etag(configurations, "a", "q") == "file-a")
        #expect(etag(configurations, "b", "p") == "file-b")
        #expect(etag(configurations, "c", "p") == "nothing")
    }

    @Test("has an etag of its content when it was given none")
    func etags() {
        func etag(_ service: String, _ value: String) -> String {
            AgentConfiguration(service: service, etag: nil, settings: [.init(name: "a", value: value)]).etag
        }
        #expect(etag("s", "1") == etag("s", "1"))
        #expect(Set([etag("s", "1"), etag("s", "2"), etag("t", "1")]).count == 3)
    }

    private func read(_ text: String) -> [AgentConfiguration]? {
        Array(text.utf8).withUnsafeBytes { AgentConfigurationIndex.configurations(in: $0.bytes) }
    }

    @Test("reads a search result")
    func parses() throws {
        let text = #"""
            {"took":1,"hits":{"total":{"value":4},"hits":[
            {"_id":"1","_source":{"service":{"name":"sh\u006fp","environment":"production"},"agent_name":"python",
             "etag":"abc","settings":{"transaction_sample_rate":"0.5","a":1.5,"b":true,"c":null,"d":{"e":1}}}},
            {"_id":"2","_source":{"service":{},"etag":"x\" y","settings":{}}},
            {"_id":"3","_source":{"service":{"name":"broken"}}},
            {"_id":"4"}]}}
            """#
        let found = try #require(read(text))
        #expect(found.count == 2)
        #expect(
            found[0].service == "shop" && found[0].environment == "production"
                && found[0].agentName == "python"
        )
        #expect(found[0].etag == "abc")
        #expect(
            String(decoding: found[0].json, as: UTF8.self)
                == #"{"transaction_sample_rate":"0.5","a":"1.5","b":"true"}"#
        )
        // An etag that cannot stand in a header is replaced.
        #expect(found[1].service == "" && found[1].etag.count == 32)
        #expect(read("{}") == [])
        #expect(read(#"{"hits":{"hits":[]}}"#) == [])
        #expect(read("") == nil && read("<html>") == nil && read(#"{"hits":{"hits":[{}"#) == nil)
        #expect(read(#"{"hits":{"hits":1}}"#) == nil)
    }

    private static let path = "/.apm-agent-configuration/_search"

    @Test("keeps what was read while Elasticsearch does not answer")
    func polls() throws {
        let answers: [(Int, String)] = [
            (500, ""), (200, #"{"hits":{"hits":[{"_source":{"etag":"e","settings":{}}}]}}"#), (503, ""),
            (200, "?"),
            (404, ""),
        ]
        let asked = Signal()
        let step = Signal()
        let number = Counter()
        let store = try FakeElasticsearch(Self.path) { _ in
            asked.fire()
            let turn = number.total
            number.add()
            // The test looks at what the answer before has changed.
            #expect(step.wait(for: turn + 1))
            let (status, body) = answers[min(turn, answers.count - 1)]
            return .json(status: status, Array(body.utf8))
        }
        let configurations = AgentConfigurations(configured: [], isStoreRead: true)
        let index = try AgentConfigurationIndex(configurations, store.settings, interval: .milliseconds(1))
        for (turn, expected) in ["unavailable", "unavailable", "e", "e", "e", "nothing"].enumerated() {
            #expect(asked.wait(for: turn + 1))
            #expect(etag(configurations, "a", "b") == expected)
            step.fire()
        }
        for _ in 0..<1000 { step.fire() }
        index.stop()
        store.stop()
        let request = try #require(store.requests.first)
        #expect(request.method == "POST" && request.parameter("filter_path") == "hits.hits._source")
    }

    @Test("reports what agents have, once in 30 seconds", arguments: [30, 300])
    func applied(expirationSeconds: Int64) {
        let configurations = AgentConfigurations(configured: [], isStoreRead: false)
        var settings = MappingSettings()
        settings.observerHostname = "host"
        let output = IntakeOutput(
            batch: BulkBatch(),
            rollUps: RollUpTables(),
            ids: DocumentIDs(start: 0, instance: 0),
            indexNames: IndexNames(isClassic: false, version: "9.5.2")
        )
        var reports = AppliedConfigurations(
            configurations,
            settings,
            expiration: .seconds(expirationSeconds)
        )
        let second: Int64 = 1_000_000_000
        let time = CalendarTime(nanoseconds: 1_500_000_000 * second + 123_456_789)
        #expect(reports.append(to: output, now: 5 * second, time: time) == 35 * second)
        configurations.applied(configuration("a", "", "e1"))
        configurations.applied(configuration("b", "", "e2"))
        configurations.applied(configuration("b", "", "e2"))
        #expect(reports.append(to: output, now: 34 * second, time: time) == 35 * second)
        #expect(output.batch.isEmpty)
        #expect(reports.append(to: output, now: 35 * second, time: time) == 65 * second)
        #expect(output.batch.documentCount == 2)
        let document = output.batch.bytes.withSpan { $0.text(output.batch.sourceRange(0)) }
        #expect(
            document == #"{"@timestamp":"2017-07-14T02:40:00.123Z","data_stream":{"type":"metrics","#
                + #""dataset":"apm.internal","namespace":"default"},"observer":{"hostname":"host","#
                + #""type":"apm-server","version":"9.5.2"},"processor":{"event":"metric"},"#
                + #""metricset":{"name":"agent_config"},"labels":{"etag":"e1"},"agent_config_applied":1}"#
        )
        let action = output.batch.bytes.withSpan { $0.text(output.batch.actionRange(0)) }
        #expect(action.hasPrefix(#"{"create":{"_index":"metrics-apm.internal-default""#))
        #expect(reports.append(to: output, now: 65 * second, time: time) == 95 * second)
        #expect(output.batch.documentCount == 2)
    }
}
