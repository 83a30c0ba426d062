import Common
import Testing

@testable import APMServer

/// Rules of the mapping that the vectors do not reach, one row each.
@Suite("Document rules")
struct DocumentRuleTests {
    @Test("of what events share", arguments: DocumentRow.sharedRules)
    func common(_ row: DocumentRow) throws { try row.check() }

    @Test("of requests and URLs", arguments: DocumentRow.requestRules)
    func requests(_ row: DocumentRow) throws { try row.check() }

    @Test("of transactions", arguments: DocumentRow.transactionRules)
    func transactions(_ row: DocumentRow) throws { try row.check() }

    @Test("of spans", arguments: DocumentRow.spanRules)
    func spans(_ row: DocumentRow) throws { try row.check() }
}
