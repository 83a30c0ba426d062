import Testing

@testable import Ingest

/// Events that no author of filters thought of.
@Suite("Any event")
struct HostileEventTests {
    private static let values = [
        "null", "true", "false", "0", "-1", "1e400", "123456789012345678901234567890", "0.1", #""""#, #"" ""#,
        #""\u0000""#,
        #""\ud83d\ude00""#, #""%zz%""#, #""::""#, #""a=b&c=&=d&%3D%26""#, #""{\"a\":1}""#, #""\\""#, "[]",
        "{}", "[[]]", "[null]",
        #"["x",1,null,{"y":["z"]},true]"#, #"{"b":{"c":[1]}}"#, #"{"":""}"#,
        #""\#(String(repeating: "é@1.", count: 5000))""#,
        #""\#(String(repeating: "%", count: 5000))""#,
        String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
        "[" + Array(repeating: "\"1,2\"", count: 3000).joined(separator: ",") + "]",
    ]

    /// Each filter on the field `a`.
    private static let filters = [
        "convert: {fields: {a: integer}}", "convert: {fields: {a: float_eu}}",
        "convert: {fields: {a: boolean}}",
        "convert: {fields: {a: string}}", "rename: {fields: {a: b.c}}", "rename: {fields: {a: a.b}}",
        "rename: {fields: {a.b: a}}", "copy: {fields: {a: a.b.c}}", "copy: {fields: {a.0: a.1}}",
        "set: {fields: {a.b: \"%{a}\"}}",
        "set: {fields: {b: \"%{a} %{+yyyy}\"}}", "remove: {fields: [a.b, a.0]}",
        #"gsub: {field: a, pattern: '.?', replacement: '\0\0'}"#,
        "lowercase: {fields: a}", "uppercase: {fields: a}", "trim: {fields: a}",
        "split: {field: a, separator: 1}",
        "split: {field: a, target: a.b}", "split_event: {field: a}", "join: {field: a}",
        "join: {field: a, target: a.0}",
        "redact: {fields: a, patterns: [email, ip, credit_card, bearer_token, jwt], parameters: [a, c], custom: ['\\d+']}",
        "anonymize_ip: {fields: a}", "sample: {rate: 0.5, key: \"%{a}\"}",
        "throttle: {key: \"%{a}\", max_events: 1}",
        "throttle: {key: \"%{a}\", max_events: 0, tag: \"%{a}\"}", "fingerprint: {fields: a, target: a.b}",
        "fingerprint: {fields: a}", "tag: {add: [\"%{a}\"], remove: [x]}",
        "url: {field: a, target: a, parameters: [a, b]}",
        "geoip: {field: a}", "user_agent: {field: a}", "nginx_log_format: {field: a}",
        "nginx_log_format: {field: a, log_format: '$remote_addr $http_x', escape: json}",
        "drop: {}\n  if: a =~ /x/ or a > 1 or 'x' in a",
    ]

    @Test("passes every filter and is JSON behind it", arguments: filters)
    func passes(_ filter: String) throws {
        let harness = try FilterHarness("- " + filter)
        let mayDiffer = ["split_event", "sample", "throttle", "drop"].contains { filter.hasPrefix($0) }
        for value in Self.values {
            for json in [
                #"{"a":\#(value)}"#,
                #"{"@timestamp":\#(value),"tags":\#(value),"error":\#(value),"a":"x"}"#,
            ] {
                let documents = try harness.run(json)
                for document in documents {
                    let bytes = Array(document.utf8)
                    try Record().load(bytes.span.bytes)
                }
                #expect(documents.count == 1 || mayDiffer)
            }
        }
    }
}
