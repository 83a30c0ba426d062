import Common
import Foundation
import Testing

@Suite("Index template")
struct IndexTemplateTests {
    private static let elasticsearch = ElasticsearchProduct(kind: .elasticsearch, version: "8.15.3")

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("is the JSON that the store wants")
    func body() throws {
        var template = IndexTemplate()
        template.replicas = 0
        let body = try object(template.body(on: Self.elasticsearch, hasLifecycle: true))
        #expect(body["index_patterns"] as? [String] == ["nginx-*"])
        #expect((body["priority"] as? Int ?? 0) > 200)
        #expect(body["version"] as? Int == IndexTemplate.version)
        let inner = try #require(body["template"] as? [String: Any])
        let settings = try #require((inner["settings"] as? [String: Any])?["index"] as? [String: Any])
        #expect(settings["number_of_replicas"] as? String == "0")
        #expect(settings["refresh_interval"] as? String == "5s")
        #expect((settings["lifecycle"] as? [String: String])?["name"] == "nginx")
        let mappings = try #require(inner["mappings"] as? [String: Any])
        #expect(mappings["dynamic_templates"] != nil)
        var level = try #require(mappings["properties"] as? [String: Any])
        for name in ["nginx", "access", "upstream"] {
            level = try #require((level[name] as? [String: Any])?["properties"] as? [String: Any])
        }
        #expect((level["response_time_list"] as? [String: String]) == ["type": "float"])
    }

    @Test(
        "uses the types that the product has",
        arguments: [
            (ElasticsearchProduct.Kind.elasticsearch, "7.17.0", true, true),
            (.openSearch, "3.8.0", true, true),
            (.openSearch, "2.15.0", true, true), (.openSearch, "2.12.0", false, true),
            (.openSearch, "1.3.0", false, false), (.unknown, "1.0", true, true),
        ]
    )
    func types(_ kind: ElasticsearchProduct.Kind, version: String, wildcard: Bool, words: Bool) {
        let body = IndexTemplate().body(
            on: ElasticsearchProduct(kind: kind, version: version),
            hasLifecycle: false
        )
        #expect(body.contains(#""type":"wildcard""#) == wildcard)
        #expect(body.contains(#""type":"match_only_text""#) == words)
        #expect(!body.contains("lifecycle"))
    }

    @Test("installs what is missing or ours and old, and leaves alone what is equal, newer or foreign")
    func decisions() {
        let template = IndexTemplate()
        let fingerprint = template.fingerprint(on: Self.elasticsearch, hasLifecycle: true)
        func installed(_ owner: String, _ content: String, version: Int) -> SetupDecision {
            let meta = #"{"managed_by":"\#(owner)","content":"\#(content)"}"#
            let text =
                #"{"index_templates":[{"name":"nginx","index_template":{"version":\#(version),"_meta":\#(meta)}}]}"#
            return SetupDecision(template: Array(text.utf8).span.bytes, fingerprint: fingerprint)
        }
        #expect(installed(IndexTemplate.owner, fingerprint, version: 1) == .equal)
        #expect(installed(IndexTemplate.owner, "other", version: IndexTemplate.version) == .install)
        #expect(installed(IndexTemplate.owner, "other", version: IndexTemplate.version + 1) == .newer)
        #expect(installed("somebody", fingerprint, version: 1) == .foreign)
        #expect(SetupDecision(template: Array("{}".utf8).span.bytes, fingerprint: fingerprint) == .foreign)
    }

    @Test("writes a lifecycle policy for either product, and recognises it")
    func lifecycle() throws {
        var template = IndexTemplate()
        template.deleteAfter = .zero
        #expect(LifecyclePolicy(template) == nil)
        template.deleteAfter = .seconds(36 * 3600)
        let policy = try #require(LifecyclePolicy(template))
        let ilm = try object(policy.indexLifecycle)
        let inner = try #require(ilm["policy"] as? [String: Any])
        let phases = try #require(inner["phases"] as? [String: [String: Any]])
        #expect(phases["delete"]?["min_age"] as? String == "36h")
        let answer = #"{"nginx":{"version":1,"policy":\#(policy.indexLifecycle.dropFirst(10).dropLast())}}"#
        #expect(SetupDecision(indexLifecycle: Array(answer.utf8).span.bytes, policy) == .equal)
        _ = try object(policy.indexStateManagement)
        let ism = #"{"_id":"nginx","_seq_no":7,"_primary_term":2,\#(policy.indexStateManagement.dropFirst())"#
        #expect(SetupDecision.stateManagement(Array(ism.utf8).span.bytes, policy).decision == .equal)
        let old = ism.replacingOccurrences(of: "after 36h", with: "after 30d")
        let (decision, query) = SetupDecision.stateManagement(Array(old.utf8).span.bytes, policy)
        #expect(decision == .install)
        #expect(query == "?if_seq_no=7&if_primary_term=2")
    }
}
