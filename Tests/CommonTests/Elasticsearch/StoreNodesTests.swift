import Common
import Testing

@Suite("Nodes of a store")
struct StoreNodesTests {
    /// An answer to `GET /_nodes/http`, and the addresses to use.
    static let answers: [(name: String, json: String, asked: String, expected: [String])] = [
        (
            "those that take documents",
            #"{"nodes":{"a":{"roles":["master"],"http":{"publish_address":"10.0.0.1:9200"}},"#
                + #""b":{"roles":["data_hot","master"],"http":{"publish_address":"10.0.0.2:9200"}},"#
                + #""c":{"roles":["ingest"],"http":{"publish_address":"10.0.0.3:9201"}},"#
                + #""d":{"roles":["cluster_manager"],"http":{"publish_address":"10.0.0.4:9200"}},"#
                + #""e":{"roles":[],"http":{"publish_address":"10.0.0.5:9200"}}}}"#,
            "http://es", ["http://10.0.0.2:9200", "http://10.0.0.3:9201", "http://10.0.0.5:9200"]
        ),
        (
            "names, IPv6, TLS and a path",
            #"{"nodes":{"a":{"http":{"publish_address":"es-1.example/10.0.0.1:9200"}},"#
                + #""b":{"http":{"publish_address":"[fd00::1]:9200"}},"#
                + #""c":{"http":{"publish_address":"es-2/[fd00::2]:9243"}}}}"#,
            "https://es/path",
            ["https://es-1.example:9200/path", "https://[fd00::1]:9200/path", "https://es-2:9243/path"]
        ),
        ("no node", #"{"nodes":{}}"#, "http://es", []),
        ("nodes without HTTP", #"{"nodes":{"a":{"roles":["data"]}}}"#, "http://es", []),
        (
            "an address that is none", #"{"nodes":{"a":{"http":{"publish_address":"10.0.0.1:x"}}}}"#,
            "http://es", []
        ),
        ("another answer", #"{"error":"no handler"}"#, "http://es", []),
        ("a list", #"{"nodes":[1]}"#, "http://es", []),
        ("no JSON", "<html>", "http://es", []),
        ("half of it", #"{"nodes":{"a":{"http":{"publish"#, "http://es", []),
    ]

    @Test("are read from the answer", arguments: answers.indices)
    func reads(_ number: Int) throws {
        let row = Self.answers[number]
        let asked = try HTTPServerAddress(row.asked)
        let found = Array(row.json.utf8).withUnsafeBytes { StoreNodes.addresses($0.bytes, as: asked) }
        #expect(found.map(\.description) == row.expected, "\(row.name)")
    }
}
