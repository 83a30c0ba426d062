import Common

/// What one bulk body held, and the items of its answer.
///
/// Reused from request to request.
struct BulkContents: ~Copyable {
    var idHashes: [UInt64] = []
    var documentBytes = 0
    /// Documents that a service made of others, for which no event was sent.
    var rollUps = 0
    var ages: [Int64] = []
    var items = ByteBuffer(capacity: 1 << 20)

    mutating func removeAll() {
        idHashes.removeAll(keepingCapacity: true)
        ages.removeAll(keepingCapacity: true)
        documentBytes = 0
        rollUps = 0
        items.removeAll()
    }

    /// Appends one item as Elasticsearch 8 writes it.
    mutating func appendItem(_ body: RawSpan, index: Range<Int>, id: Range<Int>, isFull: Bool) {
        if !items.isEmpty { items.append(UInt8(ascii: ",")) }
        guard isFull else {
            items.append(#"{"create":{"status":201}}"# as StaticString)
            return
        }
        items.append(#"{"create":{"_index":""# as StaticString)
        items.append(body, index)
        items.append(#"","_id":""# as StaticString)
        items.append(body, id)
        items.append(
            #"","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1,"status":201}}"#
                as StaticString
        )
    }
}
