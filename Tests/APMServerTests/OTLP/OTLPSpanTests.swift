import Common
import Testing

@testable import APMServer

@Suite("OTLP spans")
struct OTLPSpanTests {
    private static let identity =
        #""id":"eee19b7ec3c1b174","trace_id":"5b8efff798038103d269b633813fc60c""#

    /// The one line of a span.
    private func line(_ members: String) throws -> String {
        try #require(try OTLPTranslation(.traces, json: OTLPRequest.span(members)).events.first)
    }

    private static func transaction(
        _ type: String,
        _ result: String,
        _ outcome: String,
        _ kind: String,
        parent: Bool = false
    ) -> String {
        #"{"transaction":{\#(identity)\#(parent ? #","parent_id":"00000000000000ff""# : ""),"#
            + #""type":"\#(type)","name":"n","result":"\#(result)","span_count":{"started":0},"#
            + #""duration":0.000000,"outcome":"\#(outcome)","otel":{"span_kind":"\#(kind)","#
    }

    private static func span(_ type: String, _ outcome: String, _ kind: String) -> String {
        #"{"span":{\#(identity),"parent_id":"00000000000000ff","name":"n",\#(type),"start":0,"#
            + #""duration":0.000000,"outcome":"\#(outcome)","otel":{"span_kind":"\#(kind)","#
    }

    private static let parent = #""name":"n","parentSpanId":"00000000000000ff","#

    private static func attributes(_ pairs: (String, String)...) -> String {
        #""attributes":[\#(pairs.map(OTLPRequest.attribute).joined(separator: ","))]"#
    }

    /// Kinds, parents, statuses, protocols: what comes of type, result and outcome.
    private static let kindRows: [(String, String)] = [
        (#""name":"n""#, transaction("unknown", "Success", "success", "INTERNAL")),
        (#""name":"n","kind":3"#, transaction("unknown", "Success", "success", "CLIENT")),
        (
            #""name":"n","kind":"SPAN_KIND_SERVER""#,
            transaction("unknown", "Success", "success", "SERVER")
        ),
        (
            #""name":"n","parentSpanId":"","status":{"code":2}"#,
            transaction("unknown", "Error", "failure", "INTERNAL")
        ),
        (
            #""name":"n","parentSpanId":"0000000000000000","status":{"code":"STATUS_CODE_ERROR"}"#,
            transaction("unknown", "Error", "failure", "INTERNAL")
        ),
        (parent + #""kind":2"#, transaction("unknown", "Success", "success", "SERVER", parent: true)),
        (parent + #""kind":5"#, transaction("messaging", "Success", "success", "CONSUMER", parent: true)),
        (
            parent + #""kind":2,"# + attributes(("http.response.status_code", #""intValue":503"#)),
            transaction("request", "HTTP 5xx", "failure", "SERVER", parent: true)
        ),
        (
            parent + #""kind":2,"# + attributes(("http.status_code", #""intValue":"404""#)),
            transaction("request", "HTTP 4xx", "success", "SERVER", parent: true)
        ),
        (
            parent + #""kind":2,"status":{"code":1},"#
                + attributes(("http.status_code", #""stringValue":"500""#)),
            transaction("request", "HTTP 5xx", "success", "SERVER", parent: true)
        ),
        (
            parent + #""kind":2,"#
                + attributes(
                    ("rpc.system", #""stringValue":"grpc""#),
                    ("rpc.grpc.status_code", #""intValue":5"#)
                ),
            transaction("request", "Success", "success", "SERVER", parent: true)
        ),
        (
            parent + #""kind":2,"# + attributes(("rpc.grpc.status_code", #""intValue":14"#)),
            transaction("request", "Error", "failure", "SERVER", parent: true)
        ),
        (parent + #""kind":1"#, span(#""type":"app","subtype":"internal""#, "success", "INTERNAL")),
        (parent + #""kind":77"#, span(#""type":"app","subtype":"internal""#, "success", "INTERNAL")),
        (parent + #""kind":3"#, span(#""type":"unknown""#, "success", "CLIENT")),
        (parent + #""kind":4,"status":{"code":2}"#, span(#""type":"unknown""#, "failure", "PRODUCER")),
        (
            parent + #""kind":3,"# + attributes(("http.status_code", #""intValue":404"#)),
            span(#""type":"external","subtype":"http""#, "failure", "CLIENT")
        ),
        (
            parent + #""kind":3,"#
                + attributes(
                    ("rpc.system", #""stringValue":"grpc""#),
                    ("rpc.grpc.status_code", #""intValue":5"#)
                ),
            span(#""type":"external","subtype":"grpc""#, "failure", "CLIENT")
        ),
        (
            parent + #""kind":3,"#
                + attributes(
                    ("http.method", #""stringValue":"GET""#),
                    ("db.system", #""stringValue":"elasticsearch""#)
                ),
            span(#""type":"db","subtype":"elasticsearch""#, "success", "CLIENT")
        ),
        (
            parent + #""kind":4,"#
                + attributes(
                    ("messaging.system", #""stringValue":"kafka""#),
                    ("messaging.operation.type", #""stringValue":"send""#)
                ),
            span(#""type":"messaging","subtype":"kafka","action":"send""#, "success", "PRODUCER")
        ),
    ]

    @Test("kinds and outcomes", arguments: kindRows)
    func kinds(members: String, expected: String) throws {
        let line = try line(members)
        #expect(line.hasPrefix(expected), "\(line)")
    }

    /// Any other part of the line, by a piece of it.
    private static let partRows: [(String, String)] = [
        (
            #""startTimeUnixNano":"1544712660000001999","endTimeUnixNano":"1544712661000002000""#,
            #""timestamp":1544712660000001,"duration":1000.000001,"#
        ),
        (
            #""start_time_unix_nano":1544712660000001999,"end_time_unix_nano":1544712660000001998"#,
            #""timestamp":1544712660000001,"duration":0.000000,"#
        ),
        (
            #""startTimeUnixNano":"1","endTimeUnixNano":"18446744073709551615""#,
            #""duration":18446744073709.551614,"#
        ),
        (#""endTimeUnixNano":"1544712661000002000""#, #"{"started":0},"duration":0.000000,"#),
        (#""traceState":"es=s:0.25""#, #""outcome":"success","sample_rate":0.25,"#),
        (
            #""name":"","traceState":"x=1""#,
            #""name":"unknown","result":"Success","span_count":{"started":0},"#
        ),
        (
            #""links":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174"},{},"#
                + #"{"traceId":"5b8efff798038103d269b633813fc60c"}]"#,
            #""links":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174"}],"#
        ),
        (#""links":[]"#, #""outcome":"success","otel""#),
        (
            #""name":"\ud83d\ude00 \"q\" \ud83d""#,
            "\"name\":\"\u{1F600} \\\"q\\\" \u{FFFD}\","
        ),
    ]

    @Test("times, rates, links", arguments: partRows)
    func parts(members: String, expected: String) throws {
        let line = try line(members)
        #expect(line.contains(expected), "\(line)")
    }

    @Test(
        "values of attributes",
        arguments: [
            (#""stringValue":"a\nb""#, #""a\nb""#),
            (#""stringValue":"""#, #""""#),
            (#""boolValue":false"#, "false"),
            (#""intValue":"-9223372036854775808""#, "-9223372036854775808"),
            (#""int_value":3"#, "3"),
            (#""intValue":3.0"#, "3"),
            (#""doubleValue":0.1"#, "0.1"),
            (#""doubleValue":"1e300""#, "1e+300"),
            (#""doubleValue":"NaN""#, #""NaN""#),
            (#""doubleValue":"-Infinity""#, #""-Infinity""#),
            (#""bytesValue":"AQL+""#, #""AQL+""#),
            (#""bytesValue":"AQL-_w""#, #""AQL+/w==""#),
            (#""bytesValue":"""#, #""""#),
            (#""arrayValue":{"values":[{"stringValue":"a"},{"intValue":1}]}"#, #"["a",1]"#),
            (#""arrayValue":{}"#, "[]"),
            (#""arrayValue":{"values":[{"stringValue":"a"},{}]}"#, #""[\"a\",null]""#),
            (
                #""kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1}]}}}]}"#,
                #""{\"k\":[1]}""#
            ),
        ]
    )
    func values(value: String, expected: String) throws {
        let line = try line(#""attributes":[\#(OTLPRequest.attribute("k.e y", value))]"#)
        #expect(line.hasSuffix(#""attributes":{"k.e y":\#(expected)}},"context":{}}}"#), "\(line)")
    }

    @Test(
        "attributes that say nothing are left out",
        arguments: [
            #"{"key":"a"}"#, #"{"key":"a","value":null}"#, #"{"key":"a","value":{}}"#,
            #"{"value":{"intValue":1}}"#,
            #"{"key":"","value":{"intValue":1}}"#, #"{"keyStrindex":3,"unknown":[{"deep":[]}]}"#,
        ]
    )
    func nothing(attribute: String) throws {
        #expect(try line(#""attributes":[\#(attribute)]"#).contains(#""attributes":{}}"#))
    }

    @Test("spans without ids are rejected, the others taken")
    func rejected() throws {
        let body =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{\#(OTLPRequest.ids)},"#
            + #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"ee"}]}]}]}"#
        let translation = try OTLPTranslation(.traces, json: body)
        #expect(translation.items == [-1, 1])
        #expect(translation.tally == .init(items: 3, rejected: 2, reason: "span without id or trace id"))
    }

    @Test("names and labels are cut to what the intake takes")
    func cut() throws {
        let long = String(repeating: "\u{E4}", count: 1500)
        let name = String(repeating: "\u{E4}", count: 1024)
        let event = OTLPRequest.attribute("k", #""stringValue":"\#(long)""#)
        let translation = try OTLPTranslation(
            .traces,
            json: OTLPRequest.span(#""name":"\#(long)","events":[{"name":"e","attributes":[\#(event)]}]"#)
        )
        #expect(translation.events[0].contains(#""name":"\#(name)","#))
        #expect(translation.events[1].contains(#""labels":{"k":"\#(name)"}"#))
    }
}

@Suite("OTLP events of spans")
struct OTLPSpanEventTests {
    private static let exception =
        #"{"timeUnixNano":"1544712660000002000","name":"exception","attributes":["#
        + #"{"key":"exception.type","value":{"stringValue":"T"}},{"key":"n","value":{"intValue":1}},"#
        + #"{"key":"exception.message","value":{"stringValue":"m"}}"#

    private static let eventRows: [(String, String, String)] = [
        (
            "", exception + "]}",
            #""timestamp":1544712660000002,"trace_id":"5b8efff798038103d269b633813fc60c","#
                + #""parent_id":"eee19b7ec3c1b174","transaction_id":"eee19b7ec3c1b174","#
                + #""transaction":{"sampled":true,"type":"unknown"},"#
                + #""exception":{"type":"T","message":"m","handled":true},"context":{"tags":{"n":1}}}}"#
        ),
        (
            #""parentSpanId":"00000000000000ff","#,
            exception + #",{"key":"exception.escaped","value":{"boolValue":true}},"#
                + #"{"key":"exception.stacktrace","value":{"stringValue":"at\nb"}}]}"#,
            #""parent_id":"eee19b7ec3c1b174","exception":{"type":"T","message":"m","handled":false},"#
                + #""stack_trace":"at\nb","context":{"tags":{"n":1}}}}"#
        ),
        (
            "", #"{"name":"exception","attributes":[{"key":"k","value":{"intValue":1}}]}"#,
            #"{"log":{"message":"exception","trace.id":"5b8efff798038103d269b633813fc60c","#
                + #""transaction.id":"eee19b7ec3c1b174","labels":{"k":1}}}"#
        ),
        (
            #""parentSpanId":"00000000000000ff","#,
            #"{"timeUnixNano":"1544712660000002000","name":"miss"}"#,
            #"{"log":{"@timestamp":1544712660000002,"message":"miss","#
                + #""trace.id":"5b8efff798038103d269b633813fc60c","span.id":"eee19b7ec3c1b174"}}"#
        ),
    ]

    @Test("become errors and log records", arguments: eventRows)
    func events(members: String, event: String, expected: String) throws {
        let translation = try OTLPTranslation(
            .traces,
            json: OTLPRequest.span(members + #""events":[\#(event)]"#)
        )
        #expect(translation.items == [-1, 1, 0])
        #expect(translation.events[1].hasSuffix(expected), "\(translation.events[1])")
    }

    @Test("errors have ids of their own, the same each time")
    func ids() throws {
        let other = Self.exception.replacing("2000", with: "3000")
        let request = OTLPRequest.span(#""events":[\#(Self.exception)]},\#(other)]}]"#)
        let first = try OTLPTranslation(.traces, json: request)
        #expect(first == (try OTLPTranslation(.traces, json: request)))
        let ids = Set(first.events.dropFirst().map { $0.prefix(50) })
        #expect(ids.count == 2)
    }
}

@Suite("Sampling rates in trace states")
struct OTLPSamplingTests {
    @Test(
        arguments: [
            ("", nil), ("es=s:0.5", 0.5), ("vendor=s:0.1, es=x:1;s:0.25", 0.25), ("es=s:2", nil),
            ("es=s:nan", nil),
            ("es=s:", nil), ("ot=p:3", 0.125), ("ot=r:5;p:0", 1), ("ot=p:63", 0), ("ot=p:64", nil),
            ("ot=th:c", 0.25), ("ot=th:0", 1), ("ot=rv:1;th:8", 0.5), ("ot=th:g", nil),
            ("ot=th:123456789012345", nil),
            ("es", nil), ("=,;:", nil),
        ] as [(String, Double?)]
    )
    func rate(state: String, expected: Double?) {
        let bytes = Array(state.utf8)
        #expect(OTLPSampling.rate(0..<bytes.count, bytes.span.bytes) == expected)
    }
}
