/// Deletes the daily indices of a template at an age, by the means of the product.
package struct LifecyclePolicy: Equatable, Sendable {
    package let name: String
    package let pattern: String
    package let deleteAfter: Duration

    /// - Returns: nil when the template's documents are kept for ever.
    package init?(_ template: IndexTemplate) {
        guard template.deleteAfter > .zero else { return nil }
        name = template.name
        pattern = template.pattern
        deleteAfter = template.deleteAfter
    }

    /// The body of `PUT /_ilm/policy/NAME` (Elasticsearch): no roll-over, age counts from the index's creation.
    package var indexLifecycle: String {
        let phases = #"{"hot":{"actions":{}},"delete":{"min_age":"\#(age)","actions":{"delete":{}}}}"#
        return #"{"policy":{"phases":\#(phases),"_meta":\#(IndexTemplate.meta(phases))}}"#
    }

    /// The body of `PUT /_plugins/_ism/policies/NAME` (OpenSearch).
    package var indexStateManagement: String {
        let transition = #"{"state_name":"delete","conditions":{"min_index_age":"\#(age)"}}"#
        let hot = #"{"name":"hot","actions":[],"transitions":[\#(transition)]}"#
        let delete = #"{"name":"delete","actions":[{"delete":{}}],"transitions":[]}"#
        let priority = Self.matchPriority + pattern.utf8.count
        let match = #"[{"index_patterns":["\#(pattern)"],"priority":\#(priority)}]"#
        return
            #"{"policy":{"description":"\#(description)","default_state":"hot","states":[\#(hot),\#(delete)],"#
            + #""ism_template":\#(match)}}"#
    }

    /// Names the owner, and changes with the policy: how ours is recognised in OpenSearch, which keeps no `_meta`.
    package var description: String { "managed by \(IndexTemplate.owner): delete \(pattern) after \(age)" }

    /// As `_meta.content` of the policy says it.
    package var fingerprint: String {
        IndexTemplate.fingerprint(
            #"{"hot":{"actions":{}},"delete":{"min_age":"\#(age)","actions":{"delete":{}}}}"#
        )
    }

    /// Above policies for everything (`*`), which people give 1 or 100.
    private static let matchPriority = 200

    private var age: String { IndexTemplate.text(deleteAfter) }
}
