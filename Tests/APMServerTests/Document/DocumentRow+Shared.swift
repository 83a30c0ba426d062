extension DocumentRow {
    static let sharedRules: [DocumentRow] = [
        DocumentRow(
            name: "a version alone overrides the version",
            service: #""name":"a","version":"1","environment":"e","agent":{"name":"go","version":"1"}"#,
            event: context(#""service":{"version":"2"}"#),
            expected: ["service": #"{"name":"a","version":"2","environment":"e"}"#]
        ),
        DocumentRow(
            name: "a name alone takes the version away",
            service: #""name":"a","version":"1","environment":"e","agent":{"name":"go","version":"1"}"#,
            event: context(#""service":{"name":"b"}"#),
            expected: ["service": #"{"name":"b","environment":"e"}"#]
        ),
        DocumentRow(
            name: "agent, framework, runtime and node are overridden one by one",
            service: #""name":"a","agent":{"name":"go","version":"1","ephemeral_id":"i"},"#
                + #""framework":{"name":"f","version":"1"},"runtime":{"name":"r","version":"1"},"#
                + #""node":{"configured_name":"n"}"#,
            event: context(
                #""service":{"agent":{"version":"2"},"framework":{"version":"2"},"runtime":{"name":"s"},"#
                    + #""node":{"configured_name":"m"}}"#
            ),
            expected: [
                "agent": #"{"name":"go","version":"2","ephemeral_id":"i"}"#,
                "service.framework": #"{"name":"f","version":"2"}"#,
                "service.runtime": #"{"name":"s","version":"1"}"#, "service.node": #"{"name":"m"}"#,
            ]
        ),
        DocumentRow(
            name: "the service's origin, target and id",
            service: #""name":"a","id":"gone","agent":{"name":"go","version":"1"}"#,
            event: context(
                #""service":{"origin":{"id":"i","name":"n","version":"v"},"target":{"name":"t"}},"#
                    + #""cloud":{"origin":{"account":{"id":"c"},"provider":"p","region":"r","service":{"name":"s"}}}"#
            ),
            expected: [
                "service.name": #""a""#, "service.id": "",
                "service.origin": #"{"id":"i","name":"n","version":"v"}"#,
                "service.target": #"{"type":"","name":"t"}"#,
                "cloud":
                    #"{"origin":{"account":{"id":"c"},"provider":"p","region":"r","service":{"name":"s"}}}"#,
            ]
        ),
        DocumentRow(
            name: "any part of a user replaces all",
            metadata: #""user":{"id":1,"email":"e","username":"u","domain":"d"}"#,
            event: context(#""user":{"domain":"x"}"#),
            expected: ["user": #"{"domain":"x"}"#]
        ),
        DocumentRow(
            name: "a numeric id of a user is text",
            metadata: #""user":{"id":42}"#,
            event: transaction(""),
            expected: ["user": #"{"id":"42"}"#]
        ),
        DocumentRow(
            name: "labels: strings, bools and numbers, nulls dropped, keys sanitised, tags before metadata",
            metadata: #""labels":{"a.b":"m","c":true,"d":1.5,"e":null,"f":"m"}"#,
            event: context(
                ##""tags":{"a_b":"t","g*h":"\u00e9\"","i\"j":2e3,"k\u002el":false,"d":7,"m":null,"":"x","n":"1","n":"2"}"##
            ),
            expected: [
                "labels": ##"{"a_b":"t","c":"true","f":"m","g_h":"é\"","k_l":"false","n":"1"}"##,
                "numeric_labels": #"{"d":7,"i_j":2000}"#,
            ]
        ),
        DocumentRow(
            name: "labels of the metadata alone",
            metadata: #""labels":{"a.b":"m","a_b":"n","x":3}"#,
            event: transaction(""),
            expected: ["labels": #"{"a_b":"m"}"#, "numeric_labels": #"{"x":3}"#]
        ),
        DocumentRow(
            name: "a node of Kubernetes is the host",
            metadata: #""system":{"detected_hostname":"pod","kubernetes":{"node":{"name":"n"}}}"#,
            event: transaction(""),
            expected: [
                "host": #"{"ip":["10.0.0.1"],"hostname":"n","name":"n"}"#, "service.node.name": #""n""#,
                "kubernetes": #"{"node":{"name":"n"}}"#,
            ]
        ),
        DocumentRow(
            name: "a pod without its node has no host",
            metadata: #""system":{"detected_hostname":"h","kubernetes":{"namespace":"k"}}"#,
            event: transaction(""),
            expected: ["host": #"{"ip":["10.0.0.1"]}"#, "service.node": ""]
        ),
        DocumentRow(
            name: "a configured name of the host wins, its old name counts only alone",
            metadata: #""system":{"hostname":"old","configured_hostname":"c","architecture":"x","#
                + #""host_id":"i"}"#,
            event: transaction(""),
            expected: [
                "host": #"{"ip":["10.0.0.1"],"architecture":"x","id":"i","name":"c"}"#,
                "service.node.name": #""c""#,
            ]
        ),
        DocumentRow(
            name: "a container names the node before the host does",
            metadata: #""system":{"hostname":"old","container":{"id":"c"}}"#,
            event: transaction(""),
            expected: [
                "host.hostname": #""old""#, "host.name": #""old""#, "service.node.name": #""c""#,
                "container": #"{"id":"c"}"#,
            ]
        ),
        DocumentRow(
            name: "a process without arguments",
            metadata: #""process":{"pid":1,"ppid":2,"argv":[]}"#,
            event: transaction(""),
            expected: ["process": #"{"pid":1,"parent":{"pid":2}}"#]
        ),
        DocumentRow(
            name: "a process without number",
            metadata: #""process":{"pid":0,"ppid":0,"title":"t"}"#,
            event: transaction(""),
            expected: ["process": #"{"title":"t"}"#]
        ),
        DocumentRow(
            name: "time before 1970 is cut down",
            event: transaction("").replacing(#""timestamp":0"#, with: #""timestamp":-1"#),
            expected: ["@timestamp": #""1969-12-31T23:59:59.999Z""#, "timestamp.us": "-1"]
        ),
        DocumentRow(
            name: "the first moment there is",
            event: transaction("").replacing(#""timestamp":0"#, with: #""timestamp":-9223372036854775"#),
            expected: ["@timestamp": #""1677-09-21T00:12:43.145Z""#, "timestamp.us": "-9223372036854775"]
        ),
        DocumentRow(
            name: "the last moment there is",
            event: transaction("").replacing(#""timestamp":0"#, with: #""timestamp":9223372036854775"#),
            expected: ["@timestamp": #""2262-04-11T23:47:16.854Z""#, "timestamp.us": "9223372036854775"]
        ),
        DocumentRow(
            name: "no time is the time of the request",
            event: transaction("").replacing(#""timestamp":0"#, with: #""timestamp":null"#),
            expected: ["@timestamp": #""2026-11-22T10:24:10.460Z""#, "timestamp.us": "1795343050460123"]
        ),
    ]
}
