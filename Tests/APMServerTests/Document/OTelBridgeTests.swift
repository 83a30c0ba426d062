import Common
import Testing

@testable import APMServer

@Suite("OTel bridge")
struct OTelBridgeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        /// Members of the event besides those that every event needs.
        let event: String
        let attributes: String
        /// Members that the document must have.
        let expected: String
        /// Paths that it must not have.
        let absent: [String]

        var testDescription: String { name }

        init(_ name: String, _ event: String, _ attributes: String, _ expected: String, absent: [String] = [])
        {
            self.name = name
            self.event = event
            self.attributes = attributes
            self.expected = expected
            self.absent = absent
        }
    }

    private static let metadata = """
        {"metadata":{"service":{"name":"a","agent":{"name":"java","version":"1"}},\
        "system":{"detected_hostname":"web-01"}}}
        """

    @Test(
        "maps attributes of spans",
        arguments: [
            Row(
                "database",
                #""type":"custom","name":"SELECT""#,
                """
                {"db.system":"mysql","db.name":"ShopDb","db.statement":"SELECT 1","db.user":"u",
                 "db.connection_string":"Server=x","net.peer.name":"db.example.com","net.peer.ip":"192.0.2.12",
                 "net.peer.port":3306}
                """,
                """
                {"span":{"type":"db","subtype":"mysql","kind":"CLIENT",
                  "db":{"instance":"ShopDb","statement":"SELECT 1","type":"mysql","user":{"name":"u"}},
                  "destination":{"service":{"type":"db","name":"mysql","resource":"mysql"}}},
                 "service":{"target":{"type":"mysql","name":"ShopDb"}},
                 "destination":{"address":"db.example.com","port":3306},
                 "labels":{"db_connection_string":"Server=x"},"event":{"outcome":"success"}}
                """,
                absent: ["labels.db_user", "destination.ip"]
            ),
            Row(
                "message that is sent",
                #""type":"custom","name":"send""#,
                #"{"messaging.system":"kafka","messaging.destination":"t1","net.peer.ip":"192.0.2.1","net.peer.port":9092}"#,
                """
                {"span":{"type":"messaging","subtype":"kafka","action":"send","kind":"PRODUCER",
                  "message":{"queue":{"name":"t1"}},
                  "destination":{"service":{"type":"messaging","name":"kafka","resource":"kafka/t1"}}},
                 "service":{"target":{"type":"kafka","name":"t1"}},
                 "destination":{"address":"192.0.2.1","ip":"192.0.2.1","port":9092}}
                """
            ),
            Row(
                "queue for one answer",
                #""type":"custom","name":"send""#,
                """
                {"messaging.system":"rabbitmq","messaging.destination.name":"q","messaging.temp_destination":true,
                 "messaging.operation":"receive","peer.service":"broker"}
                """,
                """
                {"span":{"type":"messaging","subtype":"rabbitmq","action":"receive",
                  "destination":{"service":{"name":"broker","resource":"broker/q"}}},
                 "service":{"target":{"type":"rabbitmq"}}}
                """,
                absent: ["service.target.name"]
            ),
            Row(
                "remote procedure",
                #""type":"custom","name":"Echo""#,
                #"{"rpc.system":"grpc","rpc.service":"my.Echo","net.peer.ip":"10.20.30.40","net.peer.port":123}"#,
                """
                {"span":{"type":"external","subtype":"grpc",
                  "destination":{"service":{"type":"external","name":"10.20.30.40:123",
                    "resource":"10.20.30.40:123"}}},
                 "service":{"target":{"type":"grpc","name":"my.Echo"}},
                 "destination":{"address":"10.20.30.40","ip":"10.20.30.40","port":123}}
                """
            ),
            Row(
                "request by its URL",
                #""type":"custom","name":"GET","subtype":"x","action":"y""#,
                #"{"http.method":"GET","http.url":"https://example.com/p?q=1","http.status_code":404}"#,
                """
                {"span":{"type":"external","subtype":"http",
                  "destination":{"service":{"type":"external","name":"https://example.com",
                    "resource":"example.com:443"}}},
                 "service":{"target":{"type":"http","name":"example.com:443"}},
                 "destination":{"address":"example.com","port":443},
                 "url":{"original":"https://example.com/p?q=1"},
                 "http":{"request":{"method":"GET"},"response":{"status_code":404}},
                 "event":{"outcome":"failure"}}
                """,
                absent: ["span.action", "labels"]
            ),
            Row(
                "request with a port that the scheme does not mean",
                #""type":"custom","name":"GET","outcome":"unknown""#,
                #"{"url.full":"https://u:secret@testing.invalid:80?foo=bar","http.response.status_code":200}"#,
                """
                {"span":{"destination":{"service":{"name":"https://testing.invalid:80",
                    "resource":"testing.invalid:80"}}},
                 "service":{"target":{"type":"http","name":"testing.invalid:80"}},
                 "destination":{"address":"testing.invalid","port":80},"event":{"outcome":"success"}}
                """
            ),
            Row(
                "request in parts",
                #""type":"custom","name":"GET""#,
                #"{"http.scheme":"http","net.peer.name":"api","net.peer.port":8080,"http.target":"/a/b"}"#,
                """
                {"url":{"original":"http://api:8080/a/b"},"destination":{"address":"api","port":8080},
                 "span":{"destination":{"service":{"name":"http://api:8080","resource":"api:8080"}}}}
                """
            ),
            Row(
                "request to a service with a name",
                #""type":"custom","name":"GET""#,
                #"{"http.url":"http://[2001:db8::1]/x","peer.service":"shop"}"#,
                """
                {"span":{"destination":{"service":{"name":"shop","resource":"shop"}}},
                 "destination":{"address":"2001:db8::1","ip":"2001:db8::1","port":80},
                 "service":{"target":{"type":"http","name":"shop"}}}
                """
            ),
            Row(
                "labels",
                #""type":"db.mysql.query","name":"x","context":{"tags":{"a":"tag","b_c":"tag","n":1}}"#,
                """
                {"b.c":"attribute","i":42,"f":1.5,"t":true,"list":["x","y"],"numbers":[1,2],"flags":[true,false],
                 "mixed":["x",1],"none":[],"object":{"a":1},"null":null}
                """,
                """
                {"labels":{"a":"tag","b_c":"attribute","t":"true","list":["x","y"],"flags":["true","false"],
                   "mixed":["x"]},
                 "numeric_labels":{"n":1,"i":42,"f":1.5,"numbers":[1,2]},
                 "span":{"type":"db","subtype":"mysql","action":"query","kind":"CLIENT"}}
                """,
                absent: ["labels.none", "labels.object", "labels.null"]
            ),
            Row(
                "kind of a span that calls nothing",
                #""type":"app","name":"x","outcome":"failure""#,
                #"{"other":"1"}"#,
                #"{"span":{"type":"app","kind":"INTERNAL"},"event":{"outcome":"failure"}}"#,
                absent: ["service.target", "destination"]
            ),
        ]
    )
    func spans(_ row: Row) throws {
        let kind = row.name == "message that is sent" ? #""span_kind":"PRODUCER","# : ""
        try expect(
            row,
            """
            {"span":{"id":"1","trace_id":"2","parent_id":"3","start":1,"duration":2,\(row.event),\
            "otel":{\(kind)"attributes":\(row.attributes.filter { $0 != "\n" })}}}
            """
        )
    }

    @Test(
        "maps attributes of transactions",
        arguments: [
            Row(
                "request by its URL",
                #""type":"request","name":"GET""#,
                """
                {"http.method":"POST","http.url":"https://shop.example.com:8443/a%20b/c?x=1#f","http.flavor":"1.1",
                 "http.status_code":503,"http.user_agent":"curl/8","http.route":"/r"}
                """,
                """
                {"url":{"original":"https://shop.example.com:8443/a%20b/c?x=1#f",
                   "full":"https://shop.example.com:8443/a%20b/c?x=1#f","scheme":"https",
                   "domain":"shop.example.com","port":8443,"path":"/a b/c","query":"x=1","fragment":"f"},
                 "http":{"version":"1.1","request":{"method":"POST"},"response":{"status_code":503}},
                 "user_agent":{"original":"curl/8"},"labels":{"http_route":"/r"},
                 "event":{"outcome":"failure","success_count":0},
                 "transaction":{"type":"request","result":"HTTP 5xx"},"span":{"kind":"SERVER"}}
                """
            ),
            Row(
                "request in parts",
                #""type":"request","name":"GET""#,
                #"{"http.scheme":"https","http.target":"/a?b=c","net.host.name":"shop","net.host.port":8080}"#,
                """
                {"url":{"original":"/a?b=c","full":"https://shop:8080/a?b=c","scheme":"https","domain":"shop",
                   "port":8080,"path":"/a","query":"b=c"}}
                """,
                absent: ["labels"]
            ),
            Row(
                "request to a host that is named otherwise",
                #""type":"request","name":"GET""#,
                #"{"http.target":"/a","http.host":"h:81","http.server_name":"n"}"#,
                #"{"url":{"full":"http://h:81/a","domain":"h","port":81}}"#
            ),
            Row(
                "request to the machine",
                #""type":"request","name":"GET""#,
                #"{"url.path":"/a","url.query":"b"}"#,
                #"{"url":{"original":"/a?b","full":"http://web-01/a?b","domain":"web-01"}}"#
            ),
            Row(
                "peer",
                #""type":"request","name":"GET""#,
                #"{"net.peer.name":"caller","net.peer.ip":"192.0.2.7","net.peer.port":4711}"#,
                """
                {"source":{"domain":"caller","ip":"192.0.2.7","port":4711},
                 "client":{"domain":"caller","ip":"192.0.2.7","port":4711}}
                """
            ),
            Row(
                "peer that speaks for a client",
                #""type":"request","name":"GET""#,
                #"{"http.client_ip":"198.51.100.1","net.peer.ip":"192.0.2.7"}"#,
                #"{"source":{"ip":"192.0.2.7"},"client":{"ip":"198.51.100.1"}}"#
            ),
            Row(
                "message that was received",
                #""type":"messaging","name":"m","context":{"message":{"body":"b","queue":{"name":"old"}}}"#,
                #"{"messaging.system":"kafka","messaging.destination":"new","messaging.operation":"process"}"#,
                """
                {"transaction":{"type":"messaging","message":{"queue":{"name":"new"}},"result":"Success"},
                 "labels":{"messaging_system":"kafka","messaging_operation":"process"},
                 "span":{"kind":"CONSUMER"},"event":{"outcome":"success"}}
                """,
                absent: ["transaction.message.body"]
            ),
            Row(
                "procedure, session, type and profiler",
                #""type":"unknown","name":"p","result":"OK""#,
                """
                {"rpc.system":"grpc","rpc.grpc.status_code":0,"type":"request","session.id":"s1",
                 "elastic.profiler_stack_trace_ids":["a","b"]}
                """,
                """
                {"transaction":{"type":"request","result":"OK","profiler_stack_trace_ids":["a","b"]},
                 "session":{"id":"s1"},"span":{"kind":"SERVER"}}
                """,
                absent: ["labels", "numeric_labels"]
            ),
            Row(
                "outcome that the agent knows",
                #""type":"custom","name":"p","outcome":"failure""#,
                #"{"http.status_code":200}"#,
                """
                {"transaction":{"result":"HTTP 2xx"},"event":{"outcome":"failure"},"span":{"kind":"INTERNAL"},
                 "http":{"response":{"status_code":200}}}
                """
            ),
            Row(
                "status code of the agent's own context",
                #""type":"custom","name":"p","context":{"response":{"status_code":500}}"#,
                #"{"a":"b"}"#,
                #"{"event":{"outcome":"failure"}}"#,
                absent: ["transaction.result"]
            ),
        ]
    )
    func transactions(_ row: Row) throws {
        try expect(
            row,
            """
            {"transaction":{"id":"1","trace_id":"2","span_count":{"started":0},"duration":2,\(row.event),\
            "otel":{"attributes":\(row.attributes.filter { $0 != "\n" })}}}
            """
        )
    }

    @Test("takes a kind without attributes, and cuts long strings")
    func edges() throws {
        let empty = Row(
            "",
            "",
            "",
            #"{"span":{"kind":"SERVER"},"event":{"outcome":"success"},"transaction":{"result":"Success"}}"#
        )
        try expect(
            empty,
            """
            {"transaction":{"id":"1","trace_id":"2","span_count":{"started":0},"duration":2,"type":"x",\
            "otel":{"span_kind":"SERVER","attributes":{}}}}
            """
        )
        let long = String(repeating: "ä", count: 1023)
        let cut = Row(
            "",
            "",
            "",
            #"{"labels":{"a_b":"\#(long)\\"},"span":{"db":{"statement":"\#(long)\\"}}}"#
        )
        try expect(
            cut,
            """
            {"span":{"id":"1","trace_id":"2","parent_id":"3","start":1,"duration":2,"type":"x","name":"y",\
            "otel":{"attributes":{"a.b":"\(long)\\\\b","db.statement":"\(long)\\\\b"}}}}
            """
        )
    }

    private func expect(_ row: Row, _ line: String) throws {
        let run = try DocumentRun(Self.metadata, line)
        #expect(run.errors.isEmpty)
        let document = try #require(run.documents.first?.tree)
        let expected = try JSONTree(row.expected)
        #expect(document.missing(of: expected, "") == [])
        #expect(row.absent.filter { document[$0] != nil } == [])
    }
}

extension JSONTree {
    /// What of `expected` is not there, or is something else.
    func missing(of expected: JSONTree, _ path: String) -> [String] {
        guard case .object(let members) = expected else {
            return self == expected ? [] : ["\(path): \(self), expected \(expected)"]
        }
        return members.sorted { $0.key < $1.key }.flatMap { key, value in
            self[key]?.missing(of: value, "\(path).\(key)") ?? ["\(path).\(key): nothing, expected \(value)"]
        }
    }
}
