import Common
import Testing

@Suite("Bulk response")
struct BulkResponseTests {
    /// Answers of noida-db 0.2.3 and osmem-server 0.1.6 to the same three documents.
    static let noida =
        #"{"errors":true,"items":[{"create":{"status":201}},{"create":{"error":{"type":"version_conflict_engine_exception","reason":"[a]: version conflict, document already exists (current version [1])","index":"t-1","index_uuid":"noida","shard":"0"},"status":409}},{"create":{"error":{"type":"document_parsing_exception","reason":"[1:6] failed to parse field [x]","caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"abc\""}},"status":400}}]}"#
    static let osmem =
        #"{"errors":true,"items":[{"create":{"status":201}},{"create":{"error":{"index":"t-1","index_uuid":"_na_","reason":"[a]: version conflict","shard":"0","type":"version_conflict_engine_exception"},"status":409}},{"create":{"error":{"caused_by":{"reason":"For input string: \"abc\"","type":"illegal_argument_exception"},"reason":"failed to parse field [x]","type":"mapper_parsing_exception"},"status":400}}]}"#
    /// Without `filter_path`, as Elasticsearch documents it.
    static let whole =
        #"{ "took": 30, "errors": true, "items": [ { "create": { "_index": "i", "_id": "1", "_version": 1, "result": "created", "_shards": {"total": 2, "successful": 1}, "status": 201, "_seq_no": 0 } }, {"create":{"status":429,"error":"busy"}}, {"index":{"error":null,"status":200}} ] }"#

    private func read(_ text: String, _ count: Int) throws -> [String] {
        let bytes = Array(text.utf8)
        var items: [String] = []
        let span = bytes.span.bytes
        try BulkResponse.read(span, documents: count) { number, item in
            let type = item.type.map { span.text($0.range) } ?? "-"
            let cause = item.cause.map { span.text($0.range) } ?? "-"
            items.append("\(number) \(item.status) \(type) \(cause)")
        }
        return items
    }

    @Test(
        "reads items in order",
        arguments: [
            (
                noida,
                [
                    "0 201 - -", "1 409 version_conflict_engine_exception -",
                    #"2 400 document_parsing_exception For input string: \"abc\""#,
                ]
            ),
            (
                osmem,
                [
                    "0 201 - -", "1 409 version_conflict_engine_exception -",
                    #"2 400 mapper_parsing_exception For input string: \"abc\""#,
                ]
            ),
            (whole, ["0 201 - -", "1 429 - -", "2 200 - -"]),
            (#"{"items":[]}"#, []),
        ] as [(String, [String])]
    )
    func reads(_ text: String, items: [String]) throws {
        #expect(try read(text, items.count) == items)
    }

    @Test(
        "refuses what is no answer to the request",
        arguments: [
            (#"{"errors":false}"#, .noItems),
            (#"{"items":[{"create":{"status":201}}]}"#, .itemCount(expected: 3, actual: 1)),
            (#"{"items":[{"create":{}}]}"#, .item(0)), (#"{"items":[{"create":{"status":"ok"}}]}"#, .item(0)),
            ("", .json(JSONError(.unexpectedEnd, at: 0))),
            ("<html>", .json(JSONError(.unexpectedByte, at: 0))),
            (noida + "x", .json(JSONError(.unexpectedByte, at: noida.utf8.count))),
        ] as [(String, BulkResponse.Problem)]
    )
    func refuses(_ text: String, problem: BulkResponse.Problem) {
        #expect(throws: problem) { try read(text, 3) }
    }

    @Test("is refused when cut at any byte, before an item is believed")
    func cut() {
        for end in 0..<Self.noida.utf8.count {
            let part = String(decoding: Array(Self.noida.utf8)[..<end], as: UTF8.self)
            #expect(throws: BulkResponse.Problem.self) { try read(part, 3) }
        }
    }
}
