/// Deletes the indices of a template at an age, by the means of the product.
///
/// A data stream gets a new index behind it at a tenth of that age, which bounds how much longer than asked for a
/// document stays; daily indices need no such step.
package struct LifecyclePolicy: Equatable, Sendable {
    package let name: String
    package let patterns: [String]
    package let deleteAfter: Duration
    /// Age at which a data stream gets its next index; nil for daily indices.
    package let rollOverAfter: Duration?

    /// - Returns: nil when the template's documents are kept for ever.
    package init?(_ template: IndexTemplate) {
        guard template.deleteAfter > .zero else { return nil }
        name = template.name
        patterns = template.patterns
        deleteAfter = template.deleteAfter
        let tenth = max(Duration.seconds(deleteAfter.nanoseconds / 10_000_000_000), .seconds(3600))
        rollOverAfter = template.isDataStream ? min(tenth, .seconds(30 * 86400)) : nil
    }

    /// Above this a shard is slow to move and to recover.
    private static let maxIndexSize = "50gb"

    /// The body of `PUT /_ilm/policy/NAME` (Elasticsearch): age counts from the roll-over, or without one from the
    /// index's creation.
    package var indexLifecycle: String {
        return #"{"policy":{"phases":\#(phases),"_meta":\#(IndexTemplate.meta(phases))}}"#
    }

    private var phases: String {
        let rollOver =
            rollOverAfter.map {
                #""rollover":{"max_age":"\#(IndexTemplate.text($0))","max_size":"\#(Self.maxIndexSize)"}"#
            } ?? ""
        return
            #"{"hot":{"actions":{\#(rollOver)}},"delete":{"min_age":"\#(age)","actions":{"delete":{}}}}"#
    }

    /// The body of `PUT /_plugins/_ism/policies/NAME` (OpenSearch).
    package var indexStateManagement: String {
        let condition = rollOverAfter == nil ? "min_index_age" : "min_rollover_age"
        let transition = #"{"state_name":"delete","conditions":{"\#(condition)":"\#(age)"}}"#
        let rollOver =
            rollOverAfter.map {
                #"{"rollover":{"min_index_age":"\#(IndexTemplate.text($0))","min_size":"\#(Self.maxIndexSize)"}}"#
            } ?? ""
        let hot = #"{"name":"hot","actions":[\#(rollOver)],"transitions":[\#(transition)]}"#
        let delete = #"{"name":"delete","actions":[{"delete":{}}],"transitions":[]}"#
        let priority = Self.matchPriority + (patterns.map(\.utf8.count).max() ?? 0)
        let names = patterns.map { "\"\($0)\"" }.joined(separator: ",")
        let match = #"[{"index_patterns":[\#(names)],"priority":\#(priority)}]"#
        return
            #"{"policy":{"description":"\#(description)","default_state":"hot","states":[\#(hot),\#(delete)],"#
            + #""ism_template":\#(match)}}"#
    }

    /// Names the owner, and changes with the policy: how ours is recognised in OpenSearch, which keeps no `_meta`.
    package var description: String {
        let rollOver = rollOverAfter.map { "roll over after \(IndexTemplate.text($0)), " } ?? ""
        let names = patterns.joined(separator: ",")
        return "managed by \(IndexTemplate.owner): \(rollOver)delete \(names) after \(age)"
    }

    /// As `_meta.content` of the policy says it.
    package var fingerprint: String { IndexTemplate.fingerprint(phases) }

    /// Above policies for everything (`*`), which people give 1 or 100.
    private static let matchPriority = 200

    private var age: String { IndexTemplate.text(deleteAfter) }
}
