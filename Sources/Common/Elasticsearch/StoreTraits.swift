import Synchronization

/// What the set-up found out of the store that changes documents: read for each of them, without a lock.
package final class StoreTraits: Sendable {
    private let builtInTemplates = Atomic(false)

    /// - Parameter hasBuiltInTemplates: until the set-up knows better.
    package init(hasBuiltInTemplates: Bool = false) {
        builtInTemplates.store(hasBuiltInTemplates, ordering: .relaxed)
    }

    /// Whether the store has templates and pipelines of its own for the documents; false until that is known.
    package var hasBuiltInTemplates: Bool { builtInTemplates.load(ordering: .relaxed) }

    func learn(_ findings: ElasticsearchSetup.Findings) {
        builtInTemplates.store(findings.hasBuiltInTemplates, ordering: .relaxed)
    }
}
