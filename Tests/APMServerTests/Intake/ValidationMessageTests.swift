import Testing

@testable import APMServer

@Suite("Validation messages")
struct ValidationMessageTests {
    @Test("valid lines have none", arguments: ValidLine.all)
    func valid(line: String) { #expect(refusal(of: line) == nil) }

    @Test(
        "name the first rule that is broken",
        arguments: InvalidLine.metadata + InvalidLine.transactions + InvalidLine.spans + InvalidLine.others
    )
    func message(row: InvalidLine) { #expect(refusal(of: row.line) == "validation error: \(row.message)") }
}
