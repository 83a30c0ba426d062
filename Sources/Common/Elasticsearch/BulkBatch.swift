/// The documents of one `_bulk` request as the bytes that are sent, an action line and a source line for each.
///
///     {"create":{"_index":"nginx-2026.11.22","_id":"…"}} LF
///     {"@timestamp":…} LF
///
/// Filled by one worker, then handed to `BulkIndexer`, which hands it back empty: the memory is reused and
/// appending allocates only while a batch grows beyond its predecessors.
package final class BulkBatch: @unchecked Sendable {
    // Sendable is true because exactly one thread has it: submitting gives it away, completion gives it back.

    /// Where one document stands in `bytes`.
    package struct Entry: Sendable {
        /// First byte of the action line.
        package let start: UInt32
        /// First byte of the source line.
        package let source: UInt32
    }

    /// What the store does with a document.
    package enum Operation: Sendable {
        /// Stores it unless the id is taken.
        case create
        /// Stores it, also in the place of one that is there.
        case index
    }

    /// Elasticsearch refuses bodies above 100 MB (`http.max_content_length`).
    package static let maxBytes = 96 << 20

    /// Of a document whose size a client decides: batches of up to 32 MiB always have room for one more.
    package static let maxDocumentBytes = 64 << 20

    package private(set) var bytes: ByteBuffer
    package private(set) var entries: [Entry] = []

    package init(capacityBytes: Int = 64 << 10) { bytes = ByteBuffer(capacity: capacityBytes) }

    package var documentCount: Int { entries.count }

    package var byteCount: Int { bytes.count }

    package var isEmpty: Bool { entries.isEmpty }

    /// Adds a document that `write` appends: one JSON object on one line, without the line's end.
    ///
    /// When `write` throws, the batch is as it was.
    ///
    /// - Parameters:
    ///   - index: name of the index.
    ///   - id: document id, at most 512 bytes, unique for its event; empty lets Elasticsearch choose.
    @inline(__always)
    package func append<Failure: Error>(
        index: RawSpan,
        id: RawSpan,
        operation: Operation = .create,
        _ write: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        let start = bytes.count
        switch operation {
        case .create: bytes.append(#"{"create":{"_index":""# as StaticString)
        case .index: bytes.append(#"{"index":{"_index":""# as StaticString)
        }
        bytes.append(jsonEscaped: index, 0..<index.byteCount)
        if id.byteCount > 0 {
            bytes.append(#"","_id":""# as StaticString)
            bytes.append(jsonEscaped: id, 0..<id.byteCount)
        }
        bytes.append("\"}}\n" as StaticString)
        let source = bytes.count
        do { try write(&bytes) } catch {
            bytes.truncate(to: start)
            throw error
        }
        bytes.append(UInt8(ascii: "\n"))
        guard bytes.count <= Self.maxBytes else { fatalError("bulk batch above \(Self.maxBytes) bytes") }
        entries.append(Entry(start: UInt32(start), source: UInt32(source)))
    }

    /// As `append`, for a document whose size a client decides.
    ///
    /// - Returns: false when it is larger than it may be, or the batch would be; the batch is then as it was.
    @inline(__always)
    package func appendBounded(
        index: RawSpan,
        id: RawSpan,
        operation: Operation = .create,
        _ write: (inout ByteBuffer) -> Void
    ) -> Bool {
        let start = bytes.count
        do throws(TooLarge) {
            try append(index: index, id: id, operation: operation) { (bytes) throws(TooLarge) in
                write(&bytes)
                // The line's end is still to come.
                let end = bytes.count + 1
                guard end - start <= Self.maxDocumentBytes, end <= Self.maxBytes else { throw TooLarge() }
            }
            return true
        } catch {
            return false
        }
    }

    private struct TooLarge: Error {}

    /// Adds a document that is already text.
    package func append(index: RawSpan, id: RawSpan, document: RawSpan) {
        append(index: index, id: id) { $0.append(document) }
    }

    /// Adds a document as another batch holds it.
    package func append(_ document: Int, of other: BulkBatch) {
        let range = other.range(document)
        let start = bytes.count
        other.bytes.withSpan { bytes.append($0, range) }
        let source = Int(other.entries[document].source) - range.lowerBound
        entries.append(Entry(start: UInt32(start), source: UInt32(start + source)))
    }

    /// Adds documents as another batch held them: both lines of each, with their ends.
    ///
    /// - Parameters:
    ///   - fill: writes exactly `length` bytes.
    ///   - documents: how many it writes.
    /// - Returns: false when the bytes are no such lines; the batch is then, as after an error, what it was.
    package func append<Failure: Error>(
        documents: Int,
        length: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let start = bytes.count
        let before = entries.count
        guard start + length <= Self.maxBytes else { return false }
        do {
            try bytes.append(reserving: length) { (free) throws(Failure) in
                try fill(UnsafeMutableRawBufferPointer(rebasing: free[..<length]))
                return length
            }
        } catch {
            bytes.truncate(to: start)
            throw error
        }
        if findEntries(from: start), entries.count - before == documents { return true }
        bytes.truncate(to: start)
        entries.removeLast(entries.count - before)
        return false
    }

    /// Finds the pairs of lines from `start` on.
    ///
    /// - Returns: whether the last pair is complete.
    private func findEntries(from start: Int) -> Bool {
        bytes.withSpan { span in
            var next = start
            let newline = UInt8(ascii: "\n")
            while next < span.byteCount {
                guard let action = span.firstIndex(of: newline, in: next..<span.byteCount),
                    let source = span.firstIndex(of: newline, in: action + 1..<span.byteCount)
                else { return false }
                entries.append(Entry(start: UInt32(next), source: UInt32(action + 1)))
                next = source + 1
            }
            return true
        }
    }

    /// The bytes of document `number`, both lines with their ends.
    package func range(_ number: Int) -> Range<Int> {
        let next = number + 1
        let end = next < entries.count ? Int(entries[next].start) : bytes.count
        return Int(entries[number].start)..<end
    }

    /// The document itself, without its line's end.
    package func sourceRange(_ number: Int) -> Range<Int> {
        Int(entries[number].source)..<range(number).upperBound - 1
    }

    /// The action line without its end.
    package func actionRange(_ number: Int) -> Range<Int> {
        Int(entries[number].start)..<Int(entries[number].source) - 1
    }

    /// Forgets the last `count` documents.
    package func removeLast(_ count: Int) {
        let left = entries.count - count
        if left < entries.count { bytes.truncate(to: Int(entries[left].start)) }
        entries.removeLast(count)
    }

    /// Forgets the documents; memory above `limit` is given back.
    package func removeAll(keepingBytes limit: Int = .max) {
        bytes.removeAll()
        bytes.shrink(to: limit)
        entries.removeAll(keepingCapacity: true)
    }
}
