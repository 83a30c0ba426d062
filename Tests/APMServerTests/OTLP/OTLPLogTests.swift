import Common
import Testing

@testable import APMServer

@Suite("OTLP log records")
struct OTLPLogTests {
    private static let ids = #""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#
    private static let exception =
        #""attributes":[{"key":"exception.type","value":{"stringValue":"T"}},{"key":"k","value":{"intValue":1}}]"#

    private static let rows: [(String, String)] = [
        ("", #"{"log":{"message":""}}"#),
        (
            #""timeUnixNano":"1544712660300000999","observedTimeUnixNano":"1","body":{"stringValue":"a\tb"},"#
                + #""severityNumber":17,"severityText":"Error",\#(ids)"#,
            #"{"log":{"@timestamp":1544712660300000,"message":"a\tb","log.level":"Error","#
                + #""trace.id":"5b8efff798038103d269b633813fc60c","span.id":"eee19b7ec3c1b174"}}"#
        ),
        (
            #""timeUnixNano":"0","observedTimeUnixNano":"1544712660300000999","severityNumber":12"#,
            #"{"log":{"@timestamp":1544712660300000,"message":"","log.level":"INFO"}}"#
        ),
        (#""severityNumber":"SEVERITY_NUMBER_WARN3""#, #"{"log":{"message":"","log.level":"WARN"}}"#),
        (#""severityNumber":25"#, #"{"log":{"message":""}}"#),
        (#""body":{"stringValue":""}"#, #"{"log":{"message":""}}"#),
        (#""body":{"intValue":"5"}"#, #"{"log":{"message":"5"}}"#),
        (#""body":{"doubleValue":"NaN"}"#, #"{"log":{"message":"NaN"}}"#),
        (#""body":{"boolValue":true}"#, #"{"log":{"message":"true"}}"#),
        (
            #""body":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}"#,
            #"{"log":{"message":"{\"k\":\"v\"}"}}"#
        ),
        (
            #""eventName":"e","attributes":[{"key":"event.name","value":{"stringValue":"old"}},"#
                + #"{"key":"l","value":{"arrayValue":{"values":[{"intValue":1}]}}}]"#,
            #"{"log":{"message":"","labels":{"event.name":"e","l":"[1]"}}}"#
        ),
        (
            #""attributes":[{"key":"event.name","value":{"stringValue":"e"}}]"#,
            #"{"log":{"message":"","labels":{"event.name":"e"}}}"#
        ),
        (
            #""traceId":"00000000000000000000000000000000","spanId":"ff""#,
            #"{"log":{"message":""}}"#
        ),
        (
            #""body":{"stringValue":"it broke"},"severityText":"FATAL",\#(ids),\#(exception)"#,
            #""trace_id":"5b8efff798038103d269b633813fc60c","parent_id":"eee19b7ec3c1b174","#
                + #""exception":{"type":"T","handled":true},"log":{"message":"it broke","level":"FATAL"},"#
                + #""context":{"tags":{"k":1}}}}"#
        ),
        (
            #""traceId":"5b8efff798038103d269b633813fc60c",\#(exception)"#,
            #""trace_id":"5b8efff798038103d269b633813fc60c","parent_id":"","#
                + #""exception":{"type":"T","handled":true},"context":{"tags":{"k":1}}}}"#
        ),
    ]

    @Test("become log lines and errors", arguments: rows)
    func records(members: String, expected: String) throws {
        let translation = try OTLPTranslation(.logs, json: OTLPRequest.log(members))
        #expect(translation.items == [-1, 1])
        #expect(translation.events[0].hasSuffix(expected), "\(translation.events[0])")
    }

    @Test("name their logger")
    func scope() throws {
        let body =
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}],"scope":{"name":"a.b","version":"1"}}]}]}"#
        #expect(
            try OTLPTranslation(.logs, json: body).events == [#"{"log":{"message":"","log.logger":"a.b"}}"#]
        )
    }
}
