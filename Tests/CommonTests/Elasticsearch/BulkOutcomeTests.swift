import Common
import Testing

@Suite("Bulk outcome")
struct BulkOutcomeTests {
    /// The rows of the retry table in the reference of the log pipeline (section 7.2).
    @Test(
        "of an item",
        arguments: [
            (200, nil, .stored), (201, nil, .stored),
            (409, "version_conflict_engine_exception", .duplicate), (409, nil, .duplicate),
            (409, "resource_already_exists_exception", .deadLetter),
            (429, "es_rejected_execution_exception", .retry), (429, "circuit_breaking_exception", .retry),
            (503, "circuit_breaking_exception", .retry), (429, "cluster_block_exception", .retry),
            (503, "unavailable_shards_exception", .retry), (500, "exception", .retry), (503, nil, .retry),
            (400, "document_parsing_exception", .deadLetter), (400, "mapper_parsing_exception", .deadLetter),
            (400, "illegal_argument_exception", .deadLetter),
            (400, "strict_dynamic_mapping_exception", .deadLetter),
            (400, "invalid_index_name_exception", .deadLetter), (413, "any", .deadLetter),
            (404, "index_not_found_exception", .hold), (403, "cluster_block_exception", .hold),
            (403, "security_exception", .hold), (401, "security_exception", .hold),
            (400, "index_closed_exception", .hold), (400, "validation_exception", .hold),
        ] as [(Int, String?, BulkOutcome)]
    )
    func item(_ status: Int, type: String?, expected: BulkOutcome) {
        #expect(BulkOutcome(status: status, type: type) == expected)
    }

    @Test(
        "of a request",
        arguments: [
            (200, .answered), (429, .retry), (500, .retry), (502, .retry), (503, .retry), (504, .retry),
            (408, .retry), (413, .halve), (400, .bisect), (401, .hold), (403, .hold), (404, .hold),
            (405, .hold),
            (302, .hold), (201, .hold), (0, .hold),
        ] as [(Int, BulkRequestOutcome)]
    )
    func request(_ status: Int, expected: BulkRequestOutcome) {
        #expect(BulkRequestOutcome(status: status) == expected)
    }
}
