extension DocumentRow {
    static let transactionRules: [DocumentRow] = [
        DocumentRow(
            name: "a rate makes counts",
            event: transaction(#""sample_rate":0.3,"outcome":"success""#),
            expected: [
                "transaction.representative_count": "3.3333333333333335",
                "event": #"{"outcome":"success","success_count":3.3333333333333335}"#,
            ]
        ),
        DocumentRow(
            name: "a rate of 0",
            event: transaction(#""sample_rate":0,"outcome":"success""#),
            expected: ["transaction.representative_count": "", "event.success_count": "1"]
        ),
        DocumentRow(
            name: "a status of 500 is a failure, no success is written as 0",
            event: context(#""response":{"status_code":500}"#),
            expected: ["event": #"{"outcome":"failure","success_count":0}"#]
        ),
        DocumentRow(
            name: "a status of 499 is none",
            event: context(#""response":{"status_code":499}"#),
            expected: ["event": #"{"outcome":"success","success_count":1}"#]
        ),
        DocumentRow(
            name: "a given outcome wins",
            event: transaction(#""outcome":"unknown","context":{"response":{"status_code":200}}"#),
            expected: ["event": #"{"outcome":"unknown"}"#]
        ),
        DocumentRow(
            name: "durations are cut",
            event: transaction(#""name":"d""#).replacing(
                #""duration":1"#,
                with: #""duration":10.434999999999999"#
            ),
            expected: ["transaction.duration.us": "10434"]
        ),
        DocumentRow(
            name: "a huge duration",
            event: transaction("").replacing(#""duration":1"#, with: #""duration":1e300"#),
            expected: ["transaction.duration.us": "9223372036854774"]
        ),
        DocumentRow(
            name: "escapes in names",
            event: transaction(#""name":"a\"b\\\u00e4\/","result":"\ud83d\ude00""#),
            expected: ["transaction.name": #""a\"b\\ä/""#, "transaction.result": #""😀""#]
        ),
        DocumentRow(
            name: "marks: keys sanitised, empty groups and nulls left out",
            event: transaction(#""marks":{"a.b":{"c*d":1.5,"e":null,"c_d":2},"f":{"g":null}}"#),
            expected: ["transaction.marks": #"{"a_b":{"c_d":1.5}}"#]
        ),
        DocumentRow(
            name: "a message",
            event: context(
                #""message":{"body":"b","headers":{"k-v":"h"},"queue":{"name":"q"},"routing_key":"r","age":{"ms":0}}"#
            ),
            expected: [
                "transaction.message":
                    #"{"body":"b","headers":{"K-V":["h"]},"queue":{"name":"q"},"routing_key":"r","age":{"ms":0}}"#
            ]
        ),
        DocumentRow(
            name: "session, function and span count",
            event: transaction(
                #""session":{"id":"i","sequence":3},"faas":{"id":"f","version":"v","trigger":{"request_id":"r"}}"#
            ),
            expected: [
                "session": #"{"id":"i","sequence":3}"#,
                "faas": #"{"id":"f","version":"v","trigger":{"request_id":"r"}}"#,
                "transaction.span_count": #"{"started":0}"#, "transaction.sampled": "true",
                "span": #"{"id":"x"}"#,
            ]
        ),
        DocumentRow(
            name: "long tasks alone are experience",
            event: transaction(#""experience":{"longtask":{"count":1,"sum":2,"max":3}}"#),
            expected: ["transaction.experience": #"{"longtask":{"count":1,"sum":2,"max":3}}"#]
        ),
        DocumentRow(
            name: "dropped spans are not stored",
            event: transaction(
                #""dropped_spans_stats":[{"outcome":"success","destination_service_resource":"r","#
                    + #""duration":{"count":1,"sum":{"us":1}}}]"#
            ),
            expected: ["transaction.dropped_spans_stats": ""]
        ),
        DocumentRow(
            name: "an unsampled transaction of a phone",
            service: #""name":"a","agent":{"name":"iOS\/swift","version":"1"}"#,
            event: transaction(#""sampled":false"#),
            expected: ["transaction.sampled": "", "data_stream.dataset": #""apm.rum""#]
        ),
        DocumentRow(
            name: "a phone of the other kind has no stream of its own",
            service: #""name":"a","agent":{"name":"android/java","version":"1"}"#,
            event: transaction(""),
            expected: ["data_stream.dataset": #""apm""#]
        ),
    ]
}
