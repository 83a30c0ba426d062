extension DocumentRow {
    static let spanRules: [DocumentRow] = [
        DocumentRow(
            name: "start counts from the receipt of the request",
            event: span(#""start":1500.5"#),
            expected: ["@timestamp": #""2026-11-22T10:24:11.960Z""#, "timestamp.us": "1795343051960623"]
        ),
        DocumentRow(
            name: "start can lie before it",
            event: span(#""start":-0.5"#),
            expected: ["@timestamp": #""2026-11-22T10:24:10.459Z""#]
        ),
        DocumentRow(
            name: "a type with everything",
            event: span(#""start":0"#, type: "a.b.c.d"),
            expected: ["span.type": #""a""#, "span.subtype": #""b""#, "span.action": #""c.d""#]
        ),
        DocumentRow(
            name: "a type of two parts",
            event: span(#""start":0"#, type: "a.b"),
            expected: ["span.type": #""a""#, "span.subtype": #""b""#, "span.action": ""]
        ),
        DocumentRow(
            name: "a type beside a subtype is not split",
            event: span(#""start":0,"subtype":"s""#, type: "a.b"),
            expected: ["span.type": #""a.b""#, "span.subtype": #""s""#, "span.action": ""]
        ),
        DocumentRow(
            name: "a type that begins with a point",
            event: span(#""start":0"#, type: ".b"),
            expected: ["span.type": #""unknown""#, "span.subtype": #""b""#]
        ),
        DocumentRow(
            name: "a composite of an unknown strategy",
            event: span(#""start":0,"composite":{"compression_strategy":"x","count":2,"sum":1.2345}"#),
            expected: ["span.composite": #"{"count":2,"sum":{"us":1234}}"#]
        ),
        DocumentRow(
            name: "a composite of a known strategy",
            event: span(#""start":0,"composite":{"compression_strategy":"exact_match","count":2,"sum":1}"#),
            expected: [
                "span.composite": #"{"compression_strategy":"exact_match","count":2,"sum":{"us":1000}}"#
            ]
        ),
        DocumentRow(
            name: "the response's status is no outcome",
            event: span(#""start":0,"context":{"http":{"response":{"status_code":500}}}"#),
            expected: ["event": #"{"outcome":"unknown"}"#, "http": #"{"response":{"status_code":500}}"#]
        ),
        DocumentRow(
            name: "the old status is, and wins",
            event: span(#""start":0,"context":{"http":{"status_code":400,"response":{"status_code":200}}}"#),
            expected: [
                "event": #"{"outcome":"failure","success_count":0}"#,
                "http": #"{"response":{"status_code":400}}"#,
            ]
        ),
        DocumentRow(
            name: "a request's id and body",
            event: span(#""start":0,"context":{"http":{"request":{"id":"i","body":{"a":1}}}}"#),
            expected: ["http": #"{"request":{"id":"i","body":{"original":{"a":1}}}}"#]
        ),
        DocumentRow(
            name: "an address that is a name",
            event: span(#""start":0,"context":{"destination":{"address":"h","port":1}}"#),
            expected: ["destination": #"{"address":"h","port":1}"#]
        ),
        DocumentRow(
            name: "an address of IPv4",
            event: span(#""start":0,"context":{"destination":{"address":"10.1.2.3"}}"#),
            expected: ["destination": #"{"address":"10.1.2.3","ip":"10.1.2.3"}"#]
        ),
        DocumentRow(
            name: "an address of IPv6 as it was sent",
            event: span(#""start":0,"context":{"destination":{"address":"FE80::0:1"}}"#),
            expected: ["destination": #"{"address":"FE80::0:1","ip":"FE80::0:1"}"#]
        ),
        DocumentRow(
            name: "an agent's own data stream",
            event: span(#""start":0,"context":{"service":{"agent":{"name":"rum-js"}}}"#),
            expected: ["data_stream.dataset": #""apm.rum""#]
        ),
    ]
}
