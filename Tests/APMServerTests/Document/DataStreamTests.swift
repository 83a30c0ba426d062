import Common
import Testing

@testable import APMServer

@Suite("Data streams")
struct DataStreamTests {
    @Test(
        "of services have names that Elasticsearch takes",
        arguments: [
            ("", "unknown"),
            ("shop", "shop"),
            (#"A\b/c*d?e"f<g>h|i j,k#l:m-n_o"#, "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o"),
            ("ÄÉ", "äé"),
            (String(repeating: "x", count: 200), String(repeating: "x", count: 92)),
            (String(repeating: "x", count: 91) + "ä", String(repeating: "x", count: 91)),
        ]
    )
    func service(_ name: String, part: String) throws {
        let bytes = Array(name.utf8)
        let text = DataStreamText(.appMetrics, service: bytes.span.bytes, namespace: "prod")
        #expect(text.name == Array("metrics-apm.app.\(part)-prod".utf8))
        #expect(text.dataset == Array("apm.app.\(part)".utf8))
        let members = try JSONTree([UInt8(ascii: "{")] + text.members + [UInt8(ascii: "}")])
        #expect(members["data_stream.type"] == .string("metrics"))
        #expect(members["data_stream.dataset"] == .string("apm.app.\(part)"))
        #expect(members["data_stream.namespace"] == .string("prod"))
    }

    @Test(
        "are chosen by event, agent and service",
        arguments: [
            (DocumentRow.transaction(""), "traces-apm-default"),
            (DocumentRow.context(#""service":{"agent":{"name":"js-base"}}"#), "traces-apm.rum-default"),
            (DocumentRow.span(#""start":0"#), "traces-apm-default"),
            (#"{"error":{"id":"e","log":{"message":"m"}}}"#, "logs-apm.error-default"),
            (#"{"log":{"message":"m"}}"#, "logs-apm.app.a-default"),
            (#"{"log":{"message":"m","service.name":"a"}}"#, "logs-apm.app.a-default"),
            (#"{"log":{"message":"m","service.name":"B-c"}}"#, "logs-apm.app.b_c-default"),
            (
                #"{"metricset":{"samples":{"x":{"value":1}},"service":{"name":"D"}}}"#,
                "metrics-apm.app.d-default"
            ),
        ]
    )
    func chosen(_ event: String, stream: String) throws {
        let metadata = #"{"metadata":{"service":{"name":"a","agent":{"name":"go","version":"1"}}}}"#
        let run = try DocumentRun(metadata, event)
        #expect(run.documents.map(\.dataStream) == [stream])
    }
}
