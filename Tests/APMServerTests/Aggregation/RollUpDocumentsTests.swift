import Common
import Foundation
import Testing

@testable import APMServer

@Suite("Roll-up documents")
struct RollUpDocumentsTests {
    private static let beowulf =
        #""agent":{"name":"go"},"host":{"hostname":"beowulf","name":"beowulf","os":{"platform":"minix"}},"#
        + #""service":{"name":"systemtest","node":{"name":"beowulf"},"#
        + #""language":{"name":"go","version":"2.0"},"runtime":{"name":"gc","version":"2.0"}}"#

    private static let lambda =
        #""agent":{"name":"elastic-node"},"cloud":{"account":{"id":"account_id","name":"account_name"},"#
        + #""availability_zone":"cloud_availability_zone","machine":{"type":"machine_type"},"#
        + #""project":{"id":"project_id","name":"project_name"},"provider":"cloud_provider","#
        + #""region":"cloud_region","service":{"name":"lambda"}},"container":{"id":"container-id"},"#
        + #""faas":{"coldstart":false,"trigger":{"type":"http"}},"#
        + #""host":{"hostname":"node-name","name":"node-name","os":{"platform":"darwin"}},"#
        + #""kubernetes":{"pod":{"name":"pod-name"}},"labels":{"tag1":"one"},"numeric_labels":{"tag2":2},"#
        + #""service":{"environment":"staging","language":{"name":"ecmascript","version":"8"},"#
        + #""name":"1234_service-12a3","node":{"name":"node-123"},"#
        + #""runtime":{"name":"node","version":"8.0.0"},"version":"5.1.3"}"#

    /// The documents of the vectors of Elastic's system tests, whose events are these calls.
    @Test("are those of the system tests", arguments: ["rollup_transactions", "rollup_service_transaction"])
    func vectors(name: String) throws {
        let tables = RollUpTables()
        var event = TestEvent()
        event.service = #""agent":{"name":"go"},"service":{"name":"systemtest","language":{"name":"go"}}"#
        if name == "rollup_transactions" {
            event.top = Self.beowulf
            for (name, times) in [("abc", 5), ("def", 10)] {
                event.transaction = #""name":"\#(name)","root":true,"type":"backend""#
                event.transaction(tables, times: times)
            }
            event.top = Self.lambda
            event.transaction = #""name":"faas","result":"success","root":true,"type":"lambda""#
            event.event = #""outcome":"unknown""#
            event.outcome = .unknown
            event.microseconds = 38853
            event.minute = 1_631_736_660
            event.transaction(tables, times: 2)
        } else {
            for type in ["type1", "type2"] {
                event.serviceTransaction(tables, type: #""type":"\#(type)""#, times: 2)
            }
        }
        var state = RollUpState(limits: .small(), hash: KeyedHash(key: 1, 2), now: 1_700_000_000)
        state.merge(try #require(tables.take()))
        let documents = try RollUpHarness.documents(closing: state)
        #expect(Set(documents.map(\.id)).count == documents.count)
        let written = Set(documents.map { Expected(index: $0.index, source: $0.source) })
        #expect(written == Set(try Self.expected(name)))
    }

    private struct Expected: Hashable {
        let index: String
        let source: NSDictionary
    }

    private static func expected(_ name: String, file: String = #filePath) throws -> [Expected] {
        let tests = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
        let path = tests.deletingLastPathComponent()
            .appendingPathComponent("Fixtures/apm/\(name).expected.json")
        let vector = try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any]
        let documents = try #require(vector?["docs"] as? [[String: Any]])
        return try documents.map { document in
            var source = try #require(document["doc"] as? [String: Any])
            source["observer"] = ["hostname": "apm-1", "type": "apm-server", "version": "9.5.2"]
            return Expected(
                index: try #require(document["data_stream"] as? String),
                source: source as NSDictionary
            )
        }
    }

    /// The text behind the observer's version of the first one-minute document.
    private func text(_ limits: RollUpLimits = .small(), _ body: (RollUpTables) -> Void) throws -> [String] {
        let tables = RollUpTables(limits: limits, hash: KeyedHash(key: 1, 2))
        body(tables)
        var state = RollUpState(limits: limits, hash: KeyedHash(key: 1, 2), now: 1_700_000_000)
        state.merge(try #require(tables.take()))
        let isAny = state.close(now: state.nextBoundary)
        #expect(isAny)
        let batch = BulkBatch()
        _ = state.flushes[0].write(RollUpHarness.documents, from: .init(), to: batch, maxBytes: .max)
        return (0..<batch.documentCount).map { number in
            batch.bytes.withSpan { bytes in
                let text = bytes.text(batch.sourceRange(number))
                return text.replacingOccurrences(
                    of: #""observer":{"hostname":"apm-1","type":"apm-server","version":"9.5.2"},"#,
                    with: ""
                )
            }
        }
    }

    @Test("sum up destinations")
    func destination() throws {
        let texts = try text { tables in
            var event = TestEvent()
            event.weight = 2500
            event.microseconds = 301
            event.destination(
                tables,
                top: #""service":{"name":"shop","target":{"type":"db"}},"event":{"outcome":"success"}"#,
                span: #""name":"SELECT""#,
                destination: #""resource":"db""#
            )
            event.weight = 1000
            event.destination(
                tables,
                top: #""service":{"name":"shop","target":{"type":"db"}},"event":{"outcome":"success"}"#,
                span: #""name":"SELECT""#,
                destination: #""resource":"db""#
            )
            event.destination(tables, top: #""service":{"name":"shop"}"#, span: "", destination: "")
        }
        #expect(
            texts == [
                #"{"@timestamp":"2006-01-02T15:04:00.000Z","data_stream":{"type":"metrics","#
                    + #""dataset":"apm.service_destination.1m","namespace":"default"},"#
                    + #""metricset":{"name":"service_destination","interval":"1m"},"#
                    + #""processor":{"event":"metric"},"service":{"name":"shop","target":{"type":"db"}},"#
                    + #""event":{"outcome":"success"},"span":{"name":"SELECT","destination":{"service":"#
                    + #"{"resource":"db","response_time":{"count":4,"sum":{"us":1054}}}}},"_doc_count":4}"#,
                #"{"@timestamp":"2006-01-02T15:04:00.000Z","data_stream":{"type":"metrics","#
                    + #""dataset":"apm.service_destination.1m","namespace":"default"},"#
                    + #""metricset":{"name":"service_destination","interval":"1m"},"#
                    + #""processor":{"event":"metric"},"service":{"name":"shop"},"span":{"destination":"#
                    + #"{"service":{"response_time":{"count":1,"sum":{"us":301}}}}},"_doc_count":1}"#,
            ]
        )
    }

    @Test("say that a service was seen, and nothing else")
    func summary() throws {
        let texts = try text { tables in
            var event = TestEvent()
            event.summary(tables)
            event.summary(tables)
            event.top = event.service + #","labels":{"zone":"a"}"#
            event.summary(tables)
        }
        #expect(texts.count == 2)
        #expect(
            texts[0]
                == #"{"@timestamp":"2006-01-02T15:04:00.000Z","data_stream":{"type":"metrics","#
                + #""dataset":"apm.service_summary.1m","namespace":"default"},"#
                + #""metricset":{"name":"service_summary","interval":"1m"},"processor":{"event":"metric"},"#
                + #""agent":{"name":"go"},"service":{"name":"shop","language":{"name":"go"}}}"#
        )
    }

    @Test("weigh, count both outcomes, and keep durations apart")
    func serviceTransaction() throws {
        let texts = try text { tables in
            var event = TestEvent()
            event.serviceTransaction(tables, times: 3)
            event.weight = 3333
            event.outcome = .failure
            event.microseconds = 100
            event.serviceTransaction(tables)
            event.outcome = .unknown
            event.weight = 0
            event.serviceTransaction(tables)
            event.weight = 1000
            event.microseconds = 1 << 32
            event.serviceTransaction(tables)
        }
        #expect(
            texts.first?.hasSuffix(
                #""transaction":{"type":"request","duration":{"histogram":{"values":[100,1003519],"#
                    + #""counts":[3,3]},"summary":{"value_count":6,"sum":3010857}}},"#
                    + #""event":{"success_count":{"value_count":6,"sum":3}},"_doc_count":6}"#
            ) == true
        )
    }

    @Test("without any duration or outcome leave both out")
    func nothingToSay() throws {
        let texts = try text { tables in
            var event = TestEvent()
            event.microseconds = 1 << 32
            event.outcome = .unknown
            event.serviceTransaction(tables, type: "")
        }
        #expect(texts.first?.hasSuffix(#""service":{"name":"shop","language":{"name":"go"}}}"#) == true)
    }

    @Test("of what found no room carry the time of writing, no labels, and the number of groups lost")
    func overflow() throws {
        // 1,699,999,980 is the minute in which the tables were filled.
        let time = #"{"@timestamp":"2023-11-14T22:13:00.000Z""#
        var limits = RollUpLimits.small(services: 1, transactions: 1, destinations: 1, summaries: 1)
        limits.maxGroups[.serviceTransaction] = 1
        let texts = try text(limits) { tables in
            var event = TestEvent()
            event.top = event.service + #","labels":{"zone":"a"}"#
            for name in ["kept", "lost", "lost", "lost too"] {
                event.transaction = #""name":"\#(name)""#
                event.transaction(tables)
            }
            for type in ["kept", "lost"] { event.serviceTransaction(tables, type: #""type":"\#(type)""#) }
            for name in ["kept", "lost"] {
                event.destination(
                    tables,
                    top: event.service,
                    span: #""name":"\#(name)""#,
                    destination: ""
                )
            }
            event.summary(tables)
            event.service = #""agent":{"name":"go"},"service":{"name":"other"}"#
            event.top = nil
            event.summary(tables)
            event.transaction(tables)
        }
        let lost = texts.filter { $0.hasPrefix(time) }
        #expect(texts.count - lost.count == 4)
        let service = #""agent":{"name":"go"},"service":{"name":"shop","language":{"name":"go"}}"#
        let seconds =
            #""duration":{"histogram":{"values":[1003519],"counts":[N]},"#
            + #""summary":{"value_count":N,"sum":S}}"#
        func duration(_ count: Int) -> String {
            seconds.replacingOccurrences(of: "N", with: String(count))
                .replacingOccurrences(of: "S", with: String(count * 1_003_519))
        }
        func success(_ count: Int) -> String {
            #""event":{"success_count":{"value_count":\#(count),"sum":\#(count)}},"_doc_count":\#(count)"#
        }
        let ends = [
            #"\#(service),"transaction":{"name":"_other",\#(duration(3)),"#
                + #""aggregation":{"overflow_count":2}},\#(success(3))}"#,
            #"\#(service),"transaction":{"type":"_other",\#(duration(1))},\#(success(1)),"#
                + #""service_transaction":{"aggregation":{"overflow_count":1}}}"#,
            #""agent":{"name":"go"},"service":{"name":"shop","language":{"name":"go"},"#
                + #""target":{"type":"","name":"_other"}},"#
                + #""span":{"destination":{"service":{"response_time":{"count":1,"sum":{"us":1000000}}}}},"#
                + #""_doc_count":1,"service_destination":{"aggregation":{"overflow_count":1}}}"#,
            #""processor":{"event":"metric"},"service":{"name":"_other"},"#
                + #""service_summary":{"aggregation":{"overflow_count":1}}}"#,
            #""processor":{"event":"metric"},"service":{"name":"_other"},"#
                + #""transaction":{"name":"_other",\#(duration(1)),"#
                + #""aggregation":{"overflow_count":1}},\#(success(1))}"#,
        ]
        #expect(lost.count == ends.count)
        for (text, end) in zip(lost, ends) {
            #expect(text.hasSuffix(end), "\(text)")
            #expect(!text.contains("labels"))
        }
    }

    @Test("go to classic indices when asked")
    func classic() throws {
        let tables = RollUpTables()
        TestEvent().transaction(tables)
        var state = RollUpState(limits: .small(), hash: KeyedHash(), now: 0)
        state.merge(try #require(tables.take()))
        state.closeAll()
        let documents = RollUpDocuments(
            RollUpHarness.settings,
            indexNames: IndexNames(isClassic: true, version: "7.17.0")
        )
        let batch = BulkBatch()
        _ = state.flushes[0].write(documents, from: .init(), to: batch, maxBytes: .max)
        #expect(
            try RollUpHarness.read(batch).map(\.index)
                == Array(repeating: "apm-7.17.0-metric-2006.01.02", count: 3)
        )
    }
}
