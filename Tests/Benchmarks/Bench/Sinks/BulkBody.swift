import Common

/// Reads the body of a `_bulk` request: strict about its form, blind to the documents.
enum BulkBody {
    private static let hash = SipHash(key: 0x6265_6E63_685F_6964, 0x735F_6861_7368_6573)

    /// - Parameter isFull: whether the answer carries what Elasticsearch sends by default, or the status alone.
    /// - Throws: for anything Elasticsearch would refuse with 400.
    static func read(_ body: RawSpan, isFull: Bool, now: Int64, into contents: inout BulkContents)
        throws(BenchError)
    {
        guard body.byteCount > 0, body[body.byteCount - 1] == UInt8(ascii: "\n") else {
            throw BenchError("the bulk request must be terminated by a newline")
        }
        var offset = 0
        while offset < body.byteCount {
            let action = try line(body, &offset)
            let document = try line(body, &offset)
            guard body.firstIndex(of: "{\"create\":{", in: action) == action.lowerBound else {
                throw BenchError("not a create action: \(body.text(action))")
            }
            let id = try string("\"_id\":\"", in: body, action)
            let index = try string("\"_index\":\"", in: body, action)
            guard document.count >= 2, body[document.lowerBound] == UInt8(ascii: "{"),
                body[document.upperBound - 1] == UInt8(ascii: "}")
            else { throw BenchError("not a document: \(body.text(document))") }
            if isRollUp(body, index) {
                contents.rollUps += 1
            } else {
                contents.idHashes.append(hash.hash(body, id).low)
                contents.documentBytes += document.count
            }
            if let age = LatencyMarker.age(in: body, document, now: now) { contents.ages.append(age) }
            contents.appendItem(body, index: index, id: id, isFull: isFull)
        }
    }

    /// `metrics-apm.transaction.1m-default` and its like.
    private static func isRollUp(_ body: RawSpan, _ index: Range<Int>) -> Bool {
        body.firstIndex(of: "metrics-apm.", in: index) == index.lowerBound
            && ["1m-", "10m-", "60m-"].contains { body.firstIndex(of: $0, in: index) != nil }
    }

    private static func line(_ body: RawSpan, _ offset: inout Int) throws(BenchError) -> Range<Int> {
        guard let end = body.firstIndex(of: UInt8(ascii: "\n"), in: offset..<body.byteCount) else {
            throw BenchError("an action without a document")
        }
        defer { offset = end + 1 }
        return offset..<end
    }

    private static func string(_ name: StaticString, in body: RawSpan, _ range: Range<Int>) throws(BenchError)
        -> Range<Int>
    {
        guard let start = body.firstIndex(of: name, in: range).map({ $0 + name.utf8CodeUnitCount }),
            let end = body.firstIndex(of: UInt8(ascii: "\""), in: start..<range.upperBound)
        else { throw BenchError("an action without \(name)") }
        return start..<end
    }
}
